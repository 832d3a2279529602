package io.kloigos.http;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static io.kloigos.http.ConsoleBrowser.button;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.microsoft.playwright.Download;
import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.Response;
import com.microsoft.playwright.options.AriaRole;
import com.microsoft.playwright.options.ColorScheme;
import io.kloigos.model.ComputeId;
import io.kloigos.model.Role;
import io.kloigos.model.TokenSecret;
import io.kloigos.model.UnitStatus;
import io.kloigos.testkit.HostFailure;
import io.kloigos.testkit.SettableClock;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Who gets into the console, and what each role is offered there, in Chromium before a server that wants to know who asks. */
@Tag("long")
class ConsoleAccessTest {
    private static final Pattern CURL = Pattern.compile("curl -X (?<method>[A-Z]+) '(?<url>[^']+)'");
    private static final Map<Role, String> PAGES = Map.of(
            Role.ADMIN, "Fleet Allocate Init Operations Audit Tokens",
            Role.OPERATOR, "Fleet Allocate Init Operations Audit",
            Role.TENANT, "Your units Allocate Operations",
            Role.READ_ONLY, "Fleet Operations Audit Tokens");
    private static final Map<Role, String> ON_A_UNIT = Map.of(
            Role.ADMIN, "Stop Resize Keys Tags Expiry Deallocate",
            Role.OPERATOR, "Stop Resize Keys Tags Expiry Deallocate",
            Role.TENANT, "Stop Keys Tags Expiry Deallocate",
            Role.READ_ONLY, "");

    private static ConsoleBrowser browser;

    private final SettableClock clock = SettableClock.at(Instant.now());
    private final Map<Role, TokenSecret> tokens = new EnumMap<>(Role.class);
    private TestServer test;

    @BeforeAll
    static void launch() {
        browser = new ConsoleBrowser();
    }

    @AfterAll
    static void quit() {
        browser.close();
    }

    @BeforeEach
    void start(@TempDir Path directory) {
        test = new TestServer(directory, TestServer.patient(), clock).withHost1();
    }

    @AfterEach
    void stop() {
        browser.requireQuiet();
        test.close();
    }

    private String url(String path) {
        return "http://127.0.0.1:" + test.server.port() + path;
    }

    private String token(Role role) {
        return tokens.computeIfAbsent(role, missing -> test.token(missing, missing == Role.TENANT ? "acme" : null))
                .text();
    }

    private ApiClient client(Role role) {
        return test.api.withToken(token(role));
    }

    private static void logIn(Page page, String token) {
        page.locator("#token").fill(token);
        button(page, "Log in").click();
    }

    private Page as(Role role, String path) {
        Page page = browser.open(url(path));
        logIn(page, token(role));
        assertThat(page.locator(".connection")).containsText("live");
        return page;
    }

    private static Locator heading(Page page) {
        return page.locator(".page-heading");
    }

    private static Locator rows(Page page) {
        return page.locator("tbody tr");
    }

    private static void confirm(Page page) {
        page.locator("dialog button[type=submit]").click();
        assertThat(page.locator("dialog")).hasCount(0);
    }

    private static void stop(Page page, String unit) {
        button(page, "Stop").click();
        page.locator("#dialog-name").fill(unit);
        confirm(page);
    }

    private static void follow(Page page, String link) {
        page.getByRole(AriaRole.LINK, new Page.GetByRoleOptions().setName(link).setExact(true))
                .click();
    }

    // Sessions

    @Test
    void whoIsNotLoggedInIsAskedForAToken() {
        String token = token(Role.ADMIN);
        Page page = browser.open(url("/units/host1_8-11"));
        logIn(page, "wrong");
        assertThat(page.locator(".problem")).containsText("The token is not known here");
        ConsoleBrowser.requireAccessible(page);
        logIn(page, token);
        assertThat(heading(page)).containsText("host1_8-11");
        assertThat(page.locator(".who")).hasText("admin, admin");

        button(page, "Log out").click();
        assertThat(page.locator("#token")).isVisible();
        assertThat(page.request().get(url("/api/servers")).status()).isEqualTo(401);
    }

    @Test
    void aSessionThatIsOverEndsInALogin() {
        Page page = as(Role.OPERATOR, "/operations");
        assertThat(rows(page)).hasCount(1);

        clock.advance(Duration.ofHours(12));
        follow(page, "Audit");

        assertThat(page.locator("#token")).isVisible();
        assertThat(page.locator("main")).not().containsText("init");
        logIn(page, token(Role.OPERATOR));
        assertThat(heading(page)).containsText("Audit");
    }

    /** Of the same site, so the browser sends the cookie: only the server can tell. */
    @Test
    void anotherOriginCannotUseASession() throws IOException {
        test.api.post("/api/compute_units/allocate", TestServer.ALLOCATE).expect(200);
        Page console = as(Role.ADMIN, "/units/host1_4-7");
        com.sun.net.httpserver.HttpServer foreign =
                com.sun.net.httpserver.HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        String form =
                "<form method=post action='" + url("/api/compute_units/host1_4-7/stop") + "'><button>Win</button>";
        foreign.createContext("/", exchange -> {
            exchange.getResponseHeaders().add("Content-Type", "text/html");
            exchange.sendResponseHeaders(200, form.length());
            exchange.getResponseBody().write(form.getBytes(UTF_8));
            exchange.close();
        });
        foreign.start();
        Page page = console.context().newPage();
        page.navigate("http://127.0.0.1:" + foreign.getAddress().getPort() + "/");

        Response answer =
                page.waitForResponse("**/stop", () -> button(page, "Win").click());

        foreign.stop(0);
        assertThat(answer.status()).isEqualTo(403);
        assertThat(answer.request().allHeaders()).containsKey("cookie");
        assertThat(heading(console)).not().containsText("stopped");
        stop(console, "host1_4-7");
        assertThat(heading(console)).containsText("allocated, stopped");
    }

    // The audit log

    @Test
    void theAuditLogIsFilteredAndExported() throws IOException {
        ApiClient acme = client(Role.TENANT);
        acme.post("/api/compute_units/allocate", TestServer.ALLOCATE).expect(200);
        acme.get("/api/servers").expect(403);
        test.await(acme.delete("/api/compute_units/deallocate/host1_4-7").expect(200), acme);
        Page page = as(Role.READ_ONLY, "/audit");
        // The login, what acme did, and the init before there was any token.
        assertThat(rows(page)).hasCount(5);
        page.locator("#filter").fill("who:acme -outcome:refused");
        assertThat(rows(page)).hasCount(2);
        page.locator("#filter").fill("");
        page.locator("#field-who").fill("acme");
        assertThat(rows(page)).hasCount(3);
        page.locator("#field-outcome").selectOption("refused");
        assertThat(rows(page)).hasCount(1);
        assertThat(rows(page)).containsText("may not do this");
        page.waitForURL("**/audit?who=acme&outcome=refused");
        page.reload();
        assertThat(rows(page)).hasCount(1);

        page.locator("#field-outcome").selectOption("");
        assertThat(rows(page)).hasCount(3);
        page.locator("#field-role").selectOption("admin");
        assertThat(rows(page)).hasCount(0);
        page.locator("#field-role").selectOption("tenant");
        page.locator("#field-who").fill("ac");
        page.locator("#field-target").fill("host1");
        page.locator("#field-address").fill("127.0.");
        assertThat(rows(page)).hasCount(2);
        page.waitForURL("**/audit?who=ac&role=tenant&target=host1&address=127.0.");
        page.reload();
        assertThat(rows(page)).hasCount(2);
        assertThat(page.locator("#field-role")).hasValue("tenant");
        page.locator("#field-target").fill("");
        page.locator("#field-address").fill("");
        assertThat(rows(page)).hasCount(3);
        Download csv = page.waitForDownload(() -> follow(page, "Export as CSV"));
        assertThat(Files.readString(csv.path()).lines())
                .hasSize(4)
                .anySatisfy(line -> assertThat(line).contains("deallocate", "host1_4-7", "succeeded"));
        Download lines = page.waitForDownload(() -> follow(page, "Export as NDJSON"));
        assertThat(Files.readString(lines.path()).lines()).hasSize(3).allMatch(line -> line.contains("\"acme\""));
        ConsoleBrowser.requireAccessible(page);
    }

    // Tokens

    @Test
    void tokensAreMadeShownOnceAndRevoked() {
        Page page = as(Role.ADMIN, "/tokens");
        assertThat(rows(page)).hasCount(1);
        button(page, "Create").click();
        page.getByLabel(Pattern.compile("^Name")).fill("acme-ci");
        page.getByLabel("Role").selectOption("tenant");
        assertThat(page.locator("dialog button[type=submit]")).isDisabled();
        page.getByLabel(Pattern.compile("^Tenant")).fill("acme");
        page.getByLabel("Expires").fill("2099-12-24T18:00");
        confirm(page);

        assertThat(page.locator("main")).containsText("nobody can show it again");
        assertThat(button(page, "Copy the token")).isVisible();
        String secret = page.getByRole(AriaRole.TEXTBOX, new Page.GetByRoleOptions().setName("the token"))
                .textContent();
        ConsoleBrowser.requireAccessible(page);
        ApiClient acme = test.api.withToken(secret);
        assertThat(acme.get("/api/session").expect(200).body().get("tenant").asText())
                .isEqualTo("acme");
        button(page, "API").click();
        assertThat(page.locator(".inspector")).not().containsText(secret);
        page.reload();
        assertThat(rows(page)).hasCount(2);
        assertThat(page.locator("body")).not().containsText(secret);

        page.locator("#filter").fill("tenant:acme state:valid");
        assertThat(rows(page)).hasCount(1);
        button(page, "Revoke").click();
        assertThat(page.locator("dialog button[type=submit]")).isDisabled();
        page.locator("#dialog-name").fill("acme-ci");
        confirm(page);
        assertThat(rows(page)).hasCount(0);
        page.locator("#filter").fill("state:revoked");
        assertThat(rows(page)).containsText("acme-ci");
        assertThat(button(page, "Revoke")).hasCount(0);
        acme.get("/api/compute_units").expect(401);
    }

    @Test
    void theFirstTokenClosesTheServerToAllButWhoeverMadeIt() {
        Page other = browser.open(url("/operations"));
        assertThat(other.locator(".connection")).containsText("live");
        Page page = browser.open(url("/tokens"));
        assertThat(page.locator("main")).containsText("everybody on this machine may do everything");
        button(page, "Create").click();
        page.getByLabel(Pattern.compile("^Name")).fill("ann");
        confirm(page);

        assertThat(page.getByRole(AriaRole.TEXTBOX, new Page.GetByRoleOptions().setName("the token")))
                .containsText("kloigos_");
        assertThat(page.locator(".who")).hasText("ann, admin");
        assertThat(rows(page)).hasCount(1);
        follow(other, "Audit");
        assertThat(other.locator("#token")).isVisible();
    }

    @Test
    void darkPagesCanBeRead() {
        Page page = browser.open(url("/tokens"), ColorScheme.DARK);
        ConsoleBrowser.requireContrast(page);
        button(page, "Create").click();
        page.getByLabel(Pattern.compile("^Name")).fill("ann");
        confirm(page);
        assertThat(rows(page)).hasCount(1);
        ConsoleBrowser.requireContrast(page);
        follow(page, "Audit");
        assertThat(rows(page).first()).isVisible();
        ConsoleBrowser.requireContrast(page);
        button(page, "Log out").click();
        assertThat(page.locator("#token")).isVisible();
        ConsoleBrowser.requireContrast(page);
    }

    // Roles

    /**
     * Each button's request is sent with a query parameter that nothing knows, so that it is refused for that (422) if it is not
     * refused to the role (403). What the pages ask for by themselves is watched by the browser.
     */
    @ParameterizedTest
    @EnumSource(Role.class)
    void nothingIsOfferedThatWouldBeRefusedToTheRole(Role role) {
        ApiClient acme = client(Role.TENANT);
        acme.post("/api/compute_units/allocate", TestServer.ALLOCATE).expect(200);
        acme.post("/api/compute_units/allocate", TestServer.ALLOCATE).expect(200);
        test.host.inject(new HostFailure.DiskFull(0));
        String failed = acme.delete("/api/compute_units/deallocate/host1_8-11").operation();
        test.kloigos.await(failed);
        test.host.heal();
        Page page = as(role, "/");
        ApiClient client = client(role);

        assertThat(page.locator(".bar nav li").allInnerTexts())
                .isEqualTo(List.of(Objects.requireNonNull(PAGES.get(role)).split(" (?!units)")));
        go(page, "/units/host1_4-7");
        assertThat(heading(page)).containsText("allocated");
        assertThat(String.join(" ", heading(page).locator("button").allInnerTexts()))
                .isEqualTo(ON_A_UNIT.get(role));
        for (String path : List.of(
                "/units/host1_4-7",
                "/units/host1_8-11",
                "/units/host1_12-15",
                "/servers/host1",
                "/operations/" + failed,
                "/allocate",
                "/init",
                "/tokens",
                "/audit")) {
            go(page, path);
            offered(page)
                    .forEach(request -> assertThat(send(client, request).status())
                            .as("%s on %s, of %s", request, path, role)
                            .isEqualTo(422));
        }
    }

    /** Goes to another page of the console without loading it anew. */
    private static void go(Page page, String path) {
        page.evaluate(
                "path => { history.pushState(null, '', path); dispatchEvent(new PopStateEvent('popstate')); }", path);
        assertThat(page.locator("main h1")).isVisible();
        assertThat(page.locator("main > .busy-line, main progress")).hasCount(0);
    }

    /** Returns the request of each button that does something, and of each form, as the console shows it. */
    private static List<String> offered(Page page) {
        Object requests = page.evaluate("""
                async () => {
                  const drawn = () => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
                  const found = [...document.querySelectorAll('main .split .beside .copyable code')].map(code => code.textContent);
                  for (const button of document.querySelectorAll('.page-heading .actions button:enabled, tbody button:enabled')) {
                    button.click();
                    await drawn();
                    found.push(document.querySelector('dialog .copyable code').textContent);
                    document.querySelector('dialog footer button').click();
                    await drawn();
                  }
                  return found;
                }
                """);
        return ((List<?>) requests).stream().map(String::valueOf).toList();
    }

    private static ApiClient.Answer send(ApiClient client, String curl) {
        Matcher matcher = CURL.matcher(curl);
        assertThat(matcher.find()).as(curl).isTrue();
        String url = matcher.group("url");
        String path = url.substring(url.indexOf("/api/")) + (url.contains("?") ? "&" : "?") + "no_such_parameter=1";
        return matcher.group("method").equals("DELETE")
                ? client.delete(path)
                : client.send(
                        matcher.group("method"),
                        path,
                        BodyPublishers.ofString("{}"),
                        "Content-Type",
                        "application/json");
    }

    // Tenants

    @Test
    void aTenantLivesWithItsOwnUnitsOnly() {
        test.as(Role.TENANT, "other")
                .post("/api/compute_units/allocate", TestServer.ALLOCATE)
                .expect(200);
        List<String> log = new CopyOnWriteArrayList<>();
        Page page = browser.open(url("/"));
        page.onConsoleMessage(message -> {
            if (List.of("error", "warning").contains(message.type())) {
                log.add(message.text());
            }
        });
        logIn(page, token(Role.TENANT));
        assertThat(heading(page)).containsText("Your units");
        assertThat(page.locator("main")).containsText("You have no unit yet");
        assertThat(page.locator("main")).not().containsText("server");

        follow(page, "Allocate one");
        Locator preview = page.locator(".beside .panel").first();
        assertThat(preview).containsText(Pattern.compile("eu / a\\s+CPUs\\s*4\\s+Memory"));
        assertThat(preview).not().containsText("host1");
        page.getByLabel("CPUs").fill("64");
        assertThat(preview).containsText("This would be refused");
        page.getByLabel("CPUs").fill("");
        assertThat(preview).containsText("eu / a");
        // The browser itself notes the refusal.
        log.clear();
        page.getByLabel(Pattern.compile("^SSH public keys")).fill(TestServer.KEY);
        page.getByLabel("Tags").fill("deployment_id=web");
        button(page, "Allocate").click();
        assertThat(page.locator(".beside")).containsText("ssh u8-11@10.0.0.1");
        follow(page, "Your units");
        assertThat(rows(page)).hasCount(1);
        assertThat(rows(page)).containsText("host1_8-11");
        ConsoleBrowser.requireAccessible(page);

        follow(page, "host1_8-11");
        assertThat(page.locator(".sparks")).containsText("of 4.00 CPUs");
        button(page, "Look now").click();
        assertThat(page.locator("main")).containsText("As the inventory says");
        for (String change : List.of("Tags", "Keys", "Expiry")) {
            button(page, change).click();
            confirm(page);
        }
        stop(page, "host1_8-11");
        button(page, "Start").click();
        confirm(page);
        assertThat(page.locator("main")).containsText("deployment_id=web");
        assertThat(log).isEmpty();

        button(page, "Deallocate").click();
        page.locator("#dialog-name").fill("host1_8-11");
        confirm(page);
        assertThat(page.locator("main")).containsText("there is no such unit of yours");
        assertThat(test.kloigos.unit(new ComputeId("host1_8-11")).status()).isEqualTo(UnitStatus.FREE);
        follow(page, "Operations");
        assertThat(rows(page).first()).containsText("deallocate");
        follow(page, "deallocate");
        assertThat(page.locator(".log-head")).containsText("succeeded");
        follow(page, "Your units");
        assertThat(page.locator("main")).containsText("You have no unit yet");
        page.navigate(url("/units/host1_4-7"));
        assertThat(page.locator("main")).containsText("there is no such unit of yours");
    }

    @Test
    void nothingOfALoginIsLeftForTheNext() {
        Page page = as(Role.OPERATOR, "/operations");
        assertThat(rows(page)).hasCount(1);
        button(page, "Log out").click();
        logIn(page, token(Role.TENANT));
        assertThat(page.locator(".connection")).containsText("live");
        assertThat(heading(page)).containsText("Operations");
        assertThat(rows(page)).hasCount(0);
    }
}
