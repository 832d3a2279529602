package io.kloigos.http;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static io.kloigos.http.ConsoleBrowser.button;

import com.microsoft.playwright.Page;
import com.microsoft.playwright.assertions.LocatorAssertions;
import com.microsoft.playwright.options.ColorScheme;
import io.kloigos.Kloigos;
import io.kloigos.model.AllocateRequest;
import io.kloigos.model.ApiToken;
import io.kloigos.model.ByteSize;
import io.kloigos.model.ComputeId;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.CpuSet;
import io.kloigos.model.DataDisks;
import io.kloigos.model.DecommissionRequest;
import io.kloigos.model.InitServerRequest;
import io.kloigos.model.Placement;
import io.kloigos.model.Reason;
import io.kloigos.model.Role;
import io.kloigos.model.SshPublicKey;
import io.kloigos.model.Tags;
import io.kloigos.model.Tenant;
import io.kloigos.model.Tenants;
import io.kloigos.model.TokenSecret;
import io.kloigos.model.UnitChange;
import io.kloigos.testkit.FakeFleet;
import io.kloigos.testkit.FakeHost;
import io.kloigos.testkit.HostFailure;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Takes the pictures that docs/screenshots has of each page, in light and dark, on a desktop and on a phone. No test: it
 * runs only when it is named, by {@code mvn test -pl kloigos-http -am -Dtest=ConsoleScreenshots
 * -Dsurefire.failIfNoSpecifiedTests=false}.
 */
class ConsoleScreenshots {
    private static final Path PICTURES = Path.of("target/screenshots");
    private static final SshPublicKey KEY = new SshPublicKey(TestServer.KEY.replace("tenant", "ann@laptop"));
    private static final int CPUS = 64;
    private static final String UNIT = "eu-a-1_8-15";

    private final List<FakeHost> hosts = IntStream.range(0, 9)
            .mapToObj(index -> FakeHost.builder(
                            "eu-" + "abc".charAt(index / 3) + "-" + (index % 3 + 1), "192.0.2." + (index + 1))
                    .cpus(CPUS)
                    .threadsPerCore(2)
                    .nodes(index % 2 == 0 ? 2 : 4)
                    .memory(ByteSize.parse("256G"))
                    .fileSystem(
                            "/", "/dev/sda1", "ext4", ByteSize.parse("1T"), "rw", "relatime", "usrquota", "prjquota")
                    .disk("/dev/sda", ByteSize.parse("1T"), "parts")
                    .disk("/dev/sdb", ByteSize.parse("2T"))
                    .build())
            .toList();

    @Test
    void ofEachPage(@TempDir Path directory) throws InterruptedException {
        try (Kloigos kloigos = Kloigos.builder()
                        .driver(FakeFleet.of(hosts.toArray(FakeHost[]::new)).driver())
                        .database(directory.resolve("kloigos.db"))
                        .build();
                HttpServer server = HttpServer.start(kloigos, HttpSettings.loopback());
                ConsoleBrowser browser = new ConsoleBrowser()) {
            fill(kloigos);
            String url = "http://127.0.0.1:" + server.port();
            for (ColorScheme scheme : List.of(ColorScheme.LIGHT, ColorScheme.DARK)) {
                take(browser, url, scheme, "desktop", 1280, 860);
                take(browser, url, scheme, "phone", 390, 780);
            }
            hosts.forEach(FakeHost::heal);
        }
    }

    @Test
    void ofWhoMayDoWhat(@TempDir Path directory) {
        try (Kloigos kloigos = Kloigos.builder()
                        .driver(FakeFleet.of(hosts.get(0)).driver())
                        .database(directory.resolve("kloigos.db"))
                        .build();
                HttpServer server = HttpServer.start(kloigos, HttpSettings.loopback());
                ConsoleBrowser browser = new ConsoleBrowser()) {
            kloigos.await(kloigos.initServer(InitServerRequest.of(hosts.get(0).address(), "eu", "a", units()))
                    .id());
            takeOfAccess(kloigos, browser, "http://127.0.0.1:" + server.port());
        }
    }

    private static List<CpuSet> units() {
        return IntStream.range(1, 8)
                .mapToObj(unit -> CpuSet.range(unit * 8, unit * 8 + 7))
                .toList();
    }

    private void fill(Kloigos kloigos) throws InterruptedException {
        for (FakeHost host : hosts) {
            String zone = host.address().hostname().substring(3, 4);
            kloigos.await(kloigos.initServer(InitServerRequest.of(host.address(), "eu", zone, units()))
                    .id());
        }
        for (int i = 0; i < 26; i++) {
            kloigos.allocate(new AllocateRequest(
                    8,
                    null,
                    null,
                    new Tags(Map.of("deployment_id", "web_v" + i % 3)),
                    List.of(KEY),
                    null,
                    i % 2 == 0 ? Placement.SPREAD : Placement.PACK,
                    null));
        }
        ComputeUnit first = kloigos.unit(new ComputeId(UNIT));
        host("eu-a-1").tenantListens(first.uid(), "tcp", first.ports().start() + 5);
        kloigos.cordon("eu-b-3", new Reason("disk 2 is failing"));
        kloigos.withdraw(new ComputeId("eu-c-1_56-63"), new Reason("CPU 57 throttles"));
        kloigos.change(new ComputeId("eu-a-1_16-23"), new UnitChange.Stop());
        host("eu-a-1").inject(new HostFailure.DiskFull(0));
        kloigos.await(kloigos.deallocate(new ComputeId("eu-a-1_24-31")).id());
        host("eu-a-1").heal();
        host("eu-a-2").run("chown", "0:0", "/opt/c8-15");
        kloigos.checkDrift("eu-a-2");
        kloigos.await(kloigos.decommission(new DecommissionRequest("eu-c-3", Tenants.EVICT, DataDisks.KEEP))
                .id());
        host("eu-a-2").inject(new HostFailure.Stall(9));
        kloigos.deallocate(new ComputeId("eu-a-2_8-15"));
        host("eu-a-2").awaitStalled(1);
    }

    private FakeHost host(String hostname) {
        return hosts.stream()
                .filter(host -> host.address().hostname().equals(hostname))
                .findFirst()
                .orElseThrow();
    }

    private static void take(
            ConsoleBrowser browser, String url, ColorScheme scheme, String device, int width, int height) {
        Page page = browser.open(url + "/", scheme);
        page.setViewportSize(width, height);
        String suffix = "-" + device + "-" + scheme.name().toLowerCase(Locale.ROOT) + ".png";
        shoot(page, "fleet" + suffix);
        page.navigate(url + "/?view=units&filter=-status:free&sort=-started_at");
        shoot(page, "units" + suffix);
        page.navigate(url + "/?view=servers");
        shoot(page, "servers" + suffix);
        page.navigate(url + "/servers/eu-a-2");
        shoot(page, "server" + suffix);
        page.navigate(url + "/servers/eu-a-1");
        page.locator(".panel", new Page.LocatorOptions().setHas(page.locator(".enforcement")))
                .evaluate("panel => scrollTo(0, panel.getBoundingClientRect().top + scrollY - 110)");
        shoot(page, "enforced" + suffix);
        page.navigate(url + "/operations");
        shoot(page, "operations" + suffix);
        page.locator("tbody a").first().click();
        assertThat(page.locator(".log li").first()).isVisible();
        shoot(page, "operation" + suffix);
        allocate(page, url, suffix);
        init(page, url, suffix);
        page.navigate(url + "/units/" + UNIT);
        // Charts need a few values.
        page.waitForTimeout(9_000);
        shoot(page, "unit" + suffix);
        button(page, "Resize").click();
        page.getByLabel("Memory", new Page.GetByLabelOptions().setExact(true)).fill("12G");
        page.getByText("The exact plan").click();
        shoot(page, "resize" + suffix);
        page.navigate(url + "/docs");
        assertThat(page.locator(".opblock-summary-path").first()).isVisible();
        page.screenshot(new Page.ScreenshotOptions().setPath(PICTURES.resolve("api" + suffix)));
    }

    private static void takeOfAccess(Kloigos kloigos, ConsoleBrowser browser, String url) {
        String admin = token(kloigos, "ann", Role.ADMIN, null);
        token(kloigos, "grafana", Role.READ_ONLY, null);
        token(kloigos, "deploy@ci", Role.OPERATOR, null);
        String tenant = token(kloigos, "acme-deploy", Role.TENANT, new Tenant("acme"));
        new ApiClient(url)
                .withToken(tenant)
                .post(
                        "/api/compute_units/allocate",
                        TestServer.ALLOCATE.replace("{\"tags\"", "{\"cpu_count\": 8, \"tags\""))
                .expect(200);
        takeOfAccess(browser, url, admin, tenant, ColorScheme.LIGHT, "desktop", 1280, 860);
        takeOfAccess(browser, url, admin, tenant, ColorScheme.DARK, "desktop", 1280, 860);
        takeOfAccess(browser, url, admin, tenant, ColorScheme.LIGHT, "phone", 390, 780);
        takeOfAccess(browser, url, admin, tenant, ColorScheme.DARK, "phone", 390, 780);
    }

    private static void takeOfAccess(
            ConsoleBrowser browser,
            String url,
            String admin,
            String tenant,
            ColorScheme scheme,
            String device,
            int width,
            int height) {
        String suffix = "-" + device + "-" + scheme.name().toLowerCase(Locale.ROOT) + ".png";
        Page page = browser.open(url + "/tokens", scheme);
        page.setViewportSize(width, height);
        page.screenshot(new Page.ScreenshotOptions().setPath(PICTURES.resolve("login" + suffix)));
        logIn(page, admin);
        button(page, "Create").click();
        page.getByLabel(Pattern.compile("^Name"))
                .fill("beta-" + device + "-" + scheme.name().toLowerCase(Locale.ROOT));
        page.getByLabel("Role").selectOption("operator");
        shoot(page, "token" + suffix);
        page.locator("dialog button[type=submit]").click();
        assertThat(page.locator(".copyable").first()).isVisible();
        page.waitForTimeout(9_000);
        shoot(page, "tokens" + suffix);
        page.navigate(url + "/audit");
        assertThat(page.locator("tbody tr").first()).isVisible();
        shoot(page, "audit" + suffix);
        button(page, "Log out").click();
        logIn(page, tenant);
        page.navigate(url + "/");
        shoot(page, "tenant" + suffix);
        page.locator("tbody a").first().click();
        page.waitForTimeout(5_000);
        shoot(page, "tenant-unit" + suffix);
        page.navigate(url + "/allocate");
        assertThat(page.locator(".beside")).containsText("Memory");
        shoot(page, "tenant-allocate" + suffix);
    }

    private static void logIn(Page page, String token) {
        page.locator("#token").fill(token);
        button(page, "Log in").click();
        assertThat(page.locator(".connection")).containsText("live");
    }

    private static String token(Kloigos kloigos, String name, Role role, @Nullable Tenant tenant) {
        byte[] bytes = new byte[TokenSecret.BYTES];
        Arrays.fill(bytes, (byte) name.length());
        TokenSecret secret = TokenSecret.of(bytes);
        Instant now = Instant.now();
        kloigos.access()
                .tokens()
                .add(new ApiToken(secret.id(), name, role, tenant, "console", now, null, null, null), secret);
        return secret.text();
    }

    private static void allocate(Page page, String url, String suffix) {
        page.navigate(url + "/allocate");
        page.getByLabel("CPUs").fill("16");
        page.getByLabel("Tags").fill("deployment_id=web_v4");
        assertThat(page.locator(".suggestions")).isVisible();
        shoot(page, "allocate" + suffix);
    }

    private static void init(Page page, String url, String suffix) {
        page.navigate(url + "/init");
        page.locator("#field-hostname").fill("eu-c-3");
        page.locator("#field-ip").fill("192.0.2.9");
        page.locator("#field-region").fill("eu");
        page.locator("#field-zone").fill("c");
        assertThat(page.locator(".cut")).isVisible();
        shoot(page, "init" + suffix);
    }

    private static void shoot(Page page, String name) {
        assertThat(page.locator(".connection"))
                .containsText("live", new LocatorAssertions.ContainsTextOptions().setTimeout(20_000));
        page.waitForTimeout(700);
        page.screenshot(new Page.ScreenshotOptions().setPath(PICTURES.resolve(name)));
    }
}
