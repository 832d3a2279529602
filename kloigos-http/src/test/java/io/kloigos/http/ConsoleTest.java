package io.kloigos.http;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static io.kloigos.http.ConsoleBrowser.button;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.Route;
import com.microsoft.playwright.assertions.LocatorAssertions;
import com.microsoft.playwright.options.AriaRole;
import com.microsoft.playwright.options.BoundingBox;
import com.microsoft.playwright.options.ColorScheme;
import io.kloigos.model.ComputeId;
import io.kloigos.model.UnitStatus;
import io.kloigos.testkit.HostFailure;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What an operator sees and does in the console, in Chromium before a server with fake hosts. */
@Tag("long")
class ConsoleTest {
    private static final String UNIT = "host1_4-7";

    private static ConsoleBrowser browser;

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
        test = new TestServer(directory).withHost1();
    }

    @AfterEach
    void stop() {
        browser.requireQuiet();
        test.close();
    }

    private String url(String path) {
        return "http://127.0.0.1:" + test.server.port() + path;
    }

    private Page open(String path) {
        return browser.open(url(path));
    }

    private void allocate() {
        test.api.post("/api/compute_units/allocate", TestServer.ALLOCATE).expect(200);
    }

    private static Locator heading(Page page) {
        return page.locator(".page-heading");
    }

    private static Locator option(Page page, String unit) {
        return page.locator("[role=option]", new Page.LocatorOptions().setHasText(unit));
    }

    private static Locator notice(Page page) {
        return page.locator(".notice");
    }

    private static void confirm(Page page, String action) {
        page.locator("dialog button[type=submit]").click();
        assertThat(notice(page).last()).containsText(action);
        assertThat(page.locator("dialog")).hasCount(0);
    }

    private static void act(Page page, String action) {
        button(page, action).click();
        confirm(page, action);
    }

    private static void actWithName(Page page, String action, String name) {
        button(page, action).click();
        assertThat(page.locator("dialog button[type=submit]")).isDisabled();
        page.locator("#dialog-name").fill(name);
        confirm(page, action);
    }

    private static void fill(Page page, String label, String text) {
        page.getByLabel(Pattern.compile("^" + label + "( \\*)?$")).fill(text);
    }

    @Test
    void noPageShutsAnybodyOut() {
        lookAtEachPage(ColorScheme.LIGHT, ConsoleBrowser::requireAccessible);
    }

    /** Only colours are others in the dark. */
    @Test
    void darkPagesCanBeRead() {
        lookAtEachPage(ColorScheme.DARK, ConsoleBrowser::requireContrast);
    }

    private void lookAtEachPage(ColorScheme scheme, Consumer<Page> look) {
        allocate();
        test.host.run("chown", "0:0", "/opt/c4-7");
        test.api.get("/api/servers/host1/drift").expect(200);
        Page page = browser.open(url("/"), scheme);
        for (String path : paths()) {
            page.navigate(url(path));
            assertThat(page.locator(".connection")).containsText("live");
            assertThat(page.locator("main h1")).isVisible();
            look.accept(page);
        }
        page.navigate(url("/units/" + UNIT));
        button(page, "API").click();
        button(page, "Deallocate").click();
        assertThat(page.locator("dialog")).isVisible();
        assertThat(page.getByText("The exact plan")).isVisible();
        look.accept(page);
    }

    private List<String> paths() {
        String operation = test.kloigos.operations(1).get(0).id();
        return List.of(
                "/",
                "/?view=units",
                "/?view=servers",
                "/units/" + UNIT,
                "/units/host1_8-11",
                "/servers/host1",
                "/allocate",
                "/init",
                "/operations",
                "/operations/" + operation,
                "/audit",
                "/tokens");
    }

    @Test
    void everyPageFitsAPhone() {
        allocate();
        Page page = open("/");
        page.setViewportSize(390, 844);
        for (String path : paths()) {
            page.navigate(url(path));
            assertThat(page.locator(".connection")).containsText("live");
            assertThat(page.locator("main h1")).isVisible();
            assertThat(page.evaluate("document.documentElement.scrollWidth"))
                    .as("width of " + path)
                    .isEqualTo(390);
        }
    }

    @Test
    void aPhoneShowsTheStatusOfEachUnit() {
        allocate();
        test.host.inject(new HostFailure.DiskFull(0));
        test.kloigos.await(test.api
                .delete("/api/compute_units/deallocate/" + UNIT)
                .expect(200)
                .operation());
        test.host.heal();
        Page page = open("/?view=units");
        page.setViewportSize(390, 844);
        assertThat(page.locator("tbody td[data-column=status]")).hasCount(3);
        for (Locator status :
                page.locator("tbody td[data-column=status] .badge").all()) {
            BoundingBox box = status.boundingBox();
            assertThat(box.x + box.width).as(status.textContent()).isLessThan(390);
        }
    }

    @Test
    void aDialogBeginsWhereOneTypesOrWhereNothingIsDestroyed() {
        allocate();
        Page page = open("/units/" + UNIT);
        button(page, "Resize").click();
        assertThat(page.locator("#field-memory_max")).isFocused();
        page.keyboard().press("Escape");
        button(page, "Tags").click();
        assertThat(page.locator("#field-tags")).isFocused();
        page.keyboard().press("Escape");
        button(page, "Deallocate").click();
        assertThat(page.locator("dialog footer button").first()).isFocused();
        assertThat(page.locator("dialog footer button").first()).hasText("Close");
        page.keyboard().press("Enter");
        assertThat(page.locator("dialog")).hasCount(0);
        assertThat(button(page, "Deallocate")).isFocused();
    }

    @Test
    void nothingIsSaidOfAFleetThatIsNotKnownYet() {
        Page page = open("/audit");
        CompletableFuture<Route> held = new CompletableFuture<>();
        page.route("**/api/servers", held::complete);
        for (String path : List.of("/", "/operations", "/allocate", "/servers/host1")) {
            page.navigate(url(path));
            assertThat(page.locator("main")).containsText("Reading the fleet");
            assertThat(page.locator("main p")).hasCount(1);
        }
        page.unroute("**/api/servers");
        page.navigate(url("/"));
        assertThat(page.locator(".summary")).containsText("1 server, 16 CPUs");
    }

    /** A browser has six connections to a server, for all its tabs. */
    @Test
    void aTabThatNobodySeesGivesItsConnectionUp() {
        Page page = open("/audit");
        page.clock().install();
        page.navigate(url("/"));
        assertThat(page.locator(".connection")).containsText("live");
        assertThat(metrics()).doesNotContain("kloigos_event_streams 0.0");
        show(page, "true");
        page.clock().runFor(11_000);
        await().atMost(Duration.ofSeconds(30))
                .untilAsserted(() -> assertThat(metrics()).contains("kloigos_event_streams 0.0"));
        allocate();
        show(page, "false");
        assertThat(page.locator(".connection")).containsText("live");
        assertThat(page.locator(".summary")).containsText("1 allocated");
    }

    private String metrics() {
        return test.api.get("/metrics").expect(200).text();
    }

    private static void show(Page page, String isHidden) {
        page.evaluate("Object.defineProperty(document, 'hidden', { configurable: true, get: () => " + isHidden + " });"
                + "document.dispatchEvent(new Event('visibilitychange'))");
    }

    @Test
    void theMapTellsWhoHasACpu() {
        allocate();
        Page page = open("/");
        Locator cpus = page.locator(".cpus[data-hostname=host1]");
        assertThat(option(page, UNIT)).containsText("allocated, 4 CPUs 4-7, deployment_id=web");

        // CPU 4 is the fifth core of the first socket.
        cpus.locator("canvas").hover(new Locator.HoverOptions().setPosition(98, 25));
        assertThat(page.locator(".tip")).containsText(Pattern.compile("CPU [4-7] host1_4-7, allocated"));
        page.mouse().move(5, 5);
        assertThat(page.locator(".tip")).isHidden();

        cpus.focus();
        page.keyboard().press("ArrowRight");
        page.keyboard().press("ArrowRight");
        assertThat(option(page, "host1_12-15")).hasAttribute("aria-selected", "true");
        assertThat(cpus).hasAttribute("aria-activedescendant", "cpus-of-host1_12-15");
        page.keyboard().press("Home");
        page.keyboard().press("Enter");
        assertThat(heading(page)).containsText(UNIT);
        assertThat(page.url()).endsWith("/units/" + UNIT);
        page.goBack();
        assertThat(heading(page)).containsText("Fleet");
    }

    @Test
    void whatHappensIsSeenWithoutAsking() {
        Page page = open("/");
        assertThat(option(page, UNIT)).containsText("free");
        assertThat(page.locator(".summary")).containsText("3 free");

        allocate();

        assertThat(option(page, UNIT)).containsText("allocated");
        assertThat(page.locator(".summary")).containsText("1 allocated");
    }

    @Test
    void aLostConnectionIsToldAndTakenUpAgain() {
        Page page = open("/");
        assertThat(page.locator(".connection")).containsText("live");
        int port = test.server.port();
        page.context().setOffline(true);
        test.server.close();
        assertThat(page.locator(".connection")).containsText("connection lost");
        allocateWithoutServer();

        HttpServer again = HttpServer.start(test.kloigos, new HttpSettings("127.0.0.1", port, "root", 22));
        page.context().setOffline(false);
        assertThat(page.locator(".connection"))
                .containsText("live", new LocatorAssertions.ContainsTextOptions().setTimeout(15_000));
        assertThat(option(page, UNIT)).containsText("allocated");
        page.close();
        again.close();
    }

    private void allocateWithoutServer() {
        test.kloigos.allocate(
                RequestTypes.ALLOCATE.read(Json.read(TestServer.ALLOCATE.getBytes(StandardCharsets.UTF_8))));
    }

    @Test
    void listsAreFilteredAndSortedInTheAddress() {
        allocate();
        Page page = open("/?view=units");
        Locator rows = page.locator("tbody tr");
        assertThat(rows).hasCount(3);
        page.locator("#filter").fill("status:free -cpu_range:12-15");
        assertThat(rows).hasCount(1);
        assertThat(page.locator("#filter-count")).hasText("1 of 3");
        page.locator("#filter").fill("free");
        button(page, "Unit").click();
        assertThat(rows.first()).containsText("host1_12-15");
        page.waitForURL("**/?view=units&filter=free&sort=-compute_id");
        String address = page.url();

        page.navigate(address);
        assertThat(rows).hasCount(2);
        assertThat(page.locator("#filter")).hasValue("free");
        assertThat(rows.first()).containsText("host1_12-15");
        assertThat(page.locator("th[aria-sort=descending]")).containsText("Unit");
    }

    @Test
    void aUnitIsAllocated() {
        Page page = open("/allocate");
        Locator preview = page.locator(".beside");
        assertThat(preview).containsText(UNIT);
        assertThat(button(page, "Allocate")).isDisabled();
        fill(page, "Tags", "deployment_id=web\npriority=3");
        fill(page, "SSH public keys", "no key");
        assertThat(page.locator("#field-ssh_public_keys-fault")).containsText("public key");
        fill(page, "SSH public keys", TestServer.KEY);
        page.getByText("The exact plan").click();
        assertThat(preview.locator(".plan")).containsText("/home/u4-7");
        assertThat(preview).containsText("curl -X POST");

        button(page, "Allocate").click();

        assertThat(preview).containsText("ssh u4-7@10.0.0.1");
        assertThat(test.api.get("/api/compute_units/" + UNIT).body().get("tags").toString())
                .isEqualTo("{\"deployment_id\":\"web\",\"priority\":3}");
    }

    /** The server has done it, and the page was never told. */
    @Test
    void aSecondClickAfterALostAnswerTakesNoSecondUnit() {
        Page page = open("/allocate");
        page.route(
                "**/api/compute_units/allocate",
                route -> {
                    route.fetch();
                    route.abort();
                },
                new Page.RouteOptions().setTimes(1));
        fill(page, "SSH public keys", TestServer.KEY);
        button(page, "Allocate").click();
        assertThat(page.locator("form .problem")).containsText("does not answer");

        button(page, "Allocate").click();

        assertThat(page.locator(".beside")).containsText("ssh u4-7@10.0.0.1");
        assertThat(test.api.get("/api/compute_units/?status=allocated").body()).hasSize(1);
    }

    @Test
    void aRefusalShowsItsReasonAndWhatWouldWork() {
        Page page = open("/allocate");
        fill(page, "CPUs", "64");
        Locator preview = page.locator(".beside");
        assertThat(preview.locator(".problem")).containsText("no_capacity");
        assertThat(preview.locator(".problem")).containsText("Cannot allocate a unit of 64 CPUs");
        page.locator(".suggestions button").first().click();
        assertThat(preview).containsText(UNIT);
        assertThat(page.getByLabel("CPUs")).hasValue("4");
    }

    @Test
    void aHostIsBroughtUnderManagementAndGivenBack() {
        Page page = open("/init");
        assertThat(button(page, "Init")).isDisabled();
        fill(page, "Host name", "host2");
        fill(page, "Address", "10.0.0.2");
        fill(page, "Region", "eu");
        fill(page, "Zone", "b");
        fill(page, "Units", "9");
        Locator beside = page.locator(".beside");
        assertThat(beside.locator(".problem")).isVisible();
        fill(page, "Volume group", "vg0 xfs 20G");
        assertThat(beside.locator(".copyable"))
                .containsText(
                        Pattern.compile("\"name\": \"vg0\",\\s+\"filesystem\": \"xfs\",\\s+\"volume_size\": \"20G\""));
        fill(page, "Volume group", "");
        fill(page, "Units", "3");
        assertThat(beside.locator(".cut li")).hasCount(3);
        assertThat(option(page, "host2_1")).hasCount(1);
        page.getByLabel("Cut into").selectOption("cpu_ranges");
        fill(page, "CPU sets", "2-3");
        assertThat(beside.locator(".cut li")).hasCount(1);
        assertThat(beside.locator(".cut li")).hasText("host2_2-3 ports 2000-2200");

        button(page, "Init").click();
        assertThat(beside).containsText("succeeded");
        assertThat(beside.locator(".warnings")).containsText("processes_visible a unit sees the names");
        page.navigate(url("/servers/host2"));
        assertThat(heading(page)).containsText("ready");

        actWithName(page, "Decommission", "host2");
        assertThat(page.locator("main")).containsText("there is no such server");
        assertThat(test.other.exists("/etc/kloigos")).isFalse();
    }

    @Test
    void aUnitIsChangedWhileATenantHasIt() {
        allocate();
        Page page = open("/units/" + UNIT);
        button(page, "Resize").click();
        fill(page, "Memory", "much");
        assertThat(page.locator("#field-memory_max-fault")).containsText("is not a size");
        fill(page, "Memory", "1G");
        fill(page, "Tasks", "500");
        page.getByText("The exact plan").click();
        assertThat(page.locator("dialog .plan")).containsText("pids.max");
        page.getByText("Request as curl").click();
        assertThat(page.locator("dialog .copyable")).containsText("\"memory_max\": \"1G\"");
        confirm(page, "Resize");
        assertThat(page.locator("main")).containsText("of 1 GiB");

        button(page, "Tags").click();
        fill(page, "Tags", "deployment_id=web_v2\nowner=ada");
        confirm(page, "Tags");
        assertThat(page.locator("main")).containsText("deployment_id=web_v2, owner=ada");

        button(page, "Keys").click();
        fill(page, "SSH public keys", TestServer.KEY.replace("tenant", "ann@laptop"));
        confirm(page, "Keys");
        assertThat(page.locator(".keys")).containsText("ann@laptop");

        button(page, "Expiry").click();
        fill(page, "Expires", "2099-12-24T18:00");
        confirm(page, "Expiry");
        assertThat(page.locator("main")).containsText("2099-12-24");
        button(page, "Expiry").click();
        fill(page, "Expires", "");
        confirm(page, "Expiry");
        assertThat(page.locator("main")).containsText("only on request");

        actWithName(page, "Stop", UNIT);
        assertThat(heading(page)).containsText("allocated, stopped");
        assertThat(page.locator("main")).containsText("Nobody can log in while the unit is stopped");
        act(page, "Start");
        assertThat(page.locator("main")).containsText("ssh u4-7@10.0.0.1");

        actWithName(page, "Deallocate", UNIT);
        assertThat(heading(page)).containsText("free");
        assertThat(page.locator("main")).containsText("Nothing of the last tenant was left");
        assertThat(page.getByRole(AriaRole.REGION, new Page.GetByRoleOptions().setName("Operations of this unit")))
                .containsText("deallocate");
    }

    @Test
    void whatATenantUsesIsCharted() {
        allocate();
        test.host.tenantListens(20000, "tcp", 2005);
        Page page = open("/units/" + UNIT);

        Locator charts = page.locator(".sparks");
        assertThat(charts.locator("figure", new Locator.LocatorOptions().setHasText("CPU"))
                        .first())
                .containsText(Pattern.compile("0\\.\\d+ CPUs\\s+of 4\\.00 CPUs"));
        assertThat(charts).containsText(Pattern.compile("Memory\\s+[\\d.]+ MiB\\s+of "));
        assertThat(page.locator(".ports")).containsText("tcp 2005");
    }

    @Test
    void serversAndUnitsAreTakenOutOfService() {
        allocate();
        Page page = open("/units/host1_8-11");
        button(page, "Withdraw").click();
        assertThat(page.locator("dialog button[type=submit]")).isDisabled();
        fill(page, "Reason", "CPU 9 throttles");
        confirm(page, "Withdraw");
        assertThat(page.locator("main")).containsText("CPU 9 throttles");
        act(page, "Put back");
        assertThat(heading(page)).containsText("free");

        page.navigate(url("/servers/host1"));
        button(page, "Cordon").click();
        fill(page, "Reason", "disk 2 is failing");
        confirm(page, "Cordon");
        assertThat(page.locator("main")).containsText("disk 2 is failing");
        assertThat(option(page, "host1_8-11")).containsText("free");
        act(page, "Uncordon");
        assertThat(heading(page)).containsText("ready");

        button(page, "Drain").click();
        fill(page, "Reason", "maintenance");
        assertThat(page.locator("dialog .problem")).containsText("tenants");
        page.getByLabel("Evict tenants").check();
        page.locator("#dialog-name").fill("host1");
        confirm(page, "Drain");
        assertThat(page.getByRole(AriaRole.REGION, new Page.GetByRoleOptions().setName("Operations of this server")))
                .containsText("deallocate");
    }

    @Test
    void whatIsEnforcedIsWhatTheApiTells() {
        JsonNode server = test.api.get("/api/servers/host1").expect(200).body();
        JsonNode limits =
                test.api.get("/api/compute_units/" + UNIT).expect(200).body().get("limits");
        Page page = open("/servers/host1");

        assertThat(enforced(page, "CPUs of the system")).containsText("enforced CPU 0-3");
        assertThat(enforced(page, "unbound work"))
                .containsText("enforced CPU "
                        + server.get("settings").get("workqueue_cpus").asText());
        assertThat(enforced(page, "Processes"))
                .containsText(String.format(
                        "enforced %,d for each unit", limits.get("tasks_max").asInt()));
        assertThat(enforced(page, "settings")).containsText("fs.protected_fifos = 2");
        assertThat(enforced(page, "Speed of disks")).containsText("not set");
        assertThat(enforced(page, "Disk space")).containsText("enforced /: ");
        assertThat(enforced(page, "Binding"))
                .containsText(Pattern.compile(
                        "in part\\s+no port of another unit by SocketBind.*\\s+a unit can bind a free"));
        assertThat(enforced(page, "Serving")).containsText("enforced 3 ranges of ports");

        test.host.run("nft", "flush", "ruleset");
        test.api.get("/api/servers/host1/drift").expect(200);
        assertThat(enforced(page, "Serving")).containsText("differs");
        assertThat(enforced(page, "Memory of")).containsText("enforced");

        test.await(test.api
                .post(
                        "/api/admin/init_server",
                        TestServer.INIT
                                .replace("10.0.0.1", "10.0.0.2")
                                .replace("host1", "host2")
                                .replace(
                                        "\"4-7\", \"8-11\", \"12-15\"]",
                                        "\"0-1\", \"2-3\"], \"limits\": {\"port_enforcement\":" + " \"nftables\"}"))
                .expect(200));
        page.navigate(url("/servers/host2"));
        assertThat(enforced(page, "Binding"))
                .containsText(
                        Pattern.compile("not enforced on this host\\s+a unit cannot serve a port of its neighbour"));
        assertThat(enforced(page, "CPUs of the system"))
                .containsText(Pattern.compile("not enforced on this host\\s+units have every CPU"));
        assertThat(enforced(page, "unbound work")).containsText("not enforced on this host");
    }

    private static Locator enforced(Page page, String what) {
        return page.locator(
                ".enforcement tbody tr",
                new Page.LocatorOptions().setHas(page.locator("th", new Page.LocatorOptions().setHasText(what))));
    }

    @Test
    void driftThatWasFoundBeforeIsInTheTableOfServers() {
        test.host.run("chown", "0:0", "/opt/c4-7");
        test.api.get("/api/servers/host1/drift").expect(200);
        Page page = open("/?view=servers");

        assertThat(page.locator("tr", new Page.LocatorOptions().setHasText("host1"))
                        .locator("[data-column=drift]"))
                .hasText("1");
    }

    @Test
    void theHistoryOfUnitsAndServersIsThereThoughMuchWasDoneElsewhereSince() {
        allocate();
        test.withOperationsElsewhere(1200);
        assertThat(history(open("/units/host1_4-7"), "Operations of this unit")).hasText(new String[] {"allocate"});
        assertThat(history(open("/servers/host1"), "Operations of this server"))
                .hasText(new String[] {"allocate", "init"});
    }

    private static Locator history(Page page, String name) {
        return page.getByRole(AriaRole.REGION, new Page.GetByRoleOptions().setName(name))
                .locator("tbody [data-column=kind]");
    }

    @Test
    void everyOperationCanBeFound() {
        test.withOperations(1200);
        Page page = open("/operations");
        assertThat(page.locator("#filter-count")).hasText("1,000 of the newest 1,000");
        assertThat(page.locator("tbody tr")).hasCount(500);
        button(page, "Older operations").click();
        assertThat(page.locator("tbody tr")).hasCount(1000);
        button(page, "Older operations").click();
        assertThat(page.locator("#filter-count")).hasText("1,201 of 1,201");
        assertThat(page.locator("tbody tr")).hasCount(1201);
        assertThat(button(page, "Older operations")).hasCount(0);
    }

    @Test
    void driftIsSeenAndMended() {
        allocate();
        test.host.run("chown", "0:0", "/opt/c4-7");
        Page page = open("/servers/host1");
        // Until the steps are there, the button may move under the mouse.
        assertThat(page.locator("main")).containsText("systemctl start");
        button(page, "Look now").click();
        Locator found = page.getByRole(AriaRole.REGION, new Page.GetByRoleOptions().setName("What differs"));
        assertThat(found).containsText("700 20000:20000");
        button(page, "Repair").click();
        page.getByText("The exact plan").click();
        assertThat(page.locator("dialog .plan")).containsText("/opt/c4-7");
        confirm(page, "Repair");
        assertThat(notice(page).last()).containsText("succeeded");
        button(page, "Look now").click();
        assertThat(page.locator("main")).containsText("As the inventory says");
    }

    @Test
    void theDriftOfAUnitIsItsOwn() {
        test.host.run("chown", "0:0", "/opt/c4-7");
        test.host.run("chown", "1:1", "/etc/kloigos/keys");
        int facts = test.api
                .get("/api/compute_units/" + UNIT + "/drift")
                .expect(200)
                .body()
                .get("facts")
                .asInt();
        Page page = open("/units/" + UNIT);
        Locator drift = page.locator(".panel", new Page.LocatorOptions().setHasText("Look now"));
        assertThat(drift).containsText("1 fact of " + facts + " differs");
        assertThat(drift).containsText("Apart from the unit, 1 fact of the server itself differs: see host1");
        page.navigate(url("/units/host1_8-11"));
        assertThat(drift).containsText(Pattern.compile("As the inventory says: \\d\\d facts compared"));
        assertThat(drift).containsText("1 fact of the server itself differs");
    }

    @Test
    void aFailureShowsItsReasonAndIsRetried() {
        allocate();
        Page page = open("/units/" + UNIT);
        test.host.inject(new HostFailure.DiskFull(0));
        actWithName(page, "Deallocate", UNIT);
        assertThat(heading(page)).containsText("quarantined");
        assertThat(page.locator(".reason").first()).containsText("No space left on device");
        assertThat(button(page, "Force release")).isVisible();

        page.getByRole(AriaRole.LINK, new Page.GetByRoleOptions().setName("deallocate"))
                .first()
                .click();
        assertThat(page.locator(".log .bad").first()).containsText("No space left on device");
        assertThat(page.locator(".log-head")).containsText("failed");
        test.host.heal();
        act(page, "Retry");
        assertThat(page.locator(".log-head")).containsText("succeeded");
        assertThat(page.locator(".log-head")).containsText("attempt 2");
        assertThat(test.kloigos.unit(new ComputeId(UNIT)).status()).isEqualTo(UnitStatus.FREE);
    }

    @Test
    void whatIsUnderWayIsFollowedAndCancelled() throws InterruptedException {
        allocate();
        Page page = open("/servers/host1");
        assertThat(page.locator(".connection")).containsText("live");
        test.host.inject(new HostFailure.Stall(3));
        String operation = test.api
                .delete("/api/compute_units/deallocate/" + UNIT)
                .expect(200)
                .operation();
        test.host.awaitStalled(1);
        assertThat(page.locator("main")).containsText("Under way: deallocate");
        assertThat(page.locator(".log-head")).containsText("3 of ");

        page.navigate(url("/operations?filter=state:running"));
        page.locator("tbody a").first().click();
        assertThat(page.url()).endsWith(operation);
        act(page, "Cancel");
        test.host.heal();
        assertThat(heading(page)).containsText("cancelled");
    }

    @Test
    void everyActionShowsItsRequest() {
        allocate();
        Page page = open("/units/" + UNIT);
        actWithName(page, "Stop", UNIT);
        button(page, "API").click();
        Locator inspector = page.locator(".inspector");
        assertThat(inspector.locator("code"))
                .containsText("curl -X POST '" + url("/api/compute_units/" + UNIT + "/stop") + "'");
        ConsoleBrowser.requireAccessible(page);
    }
}
