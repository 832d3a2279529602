package io.kloigos.http;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;

import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.options.BoundingBox;
import io.kloigos.Kloigos;
import io.kloigos.model.AllocateRequest;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.CpuSet;
import io.kloigos.model.InitServerRequest;
import io.kloigos.model.Operation;
import io.kloigos.model.SshPublicKey;
import io.kloigos.model.Tags;
import io.kloigos.testkit.FakeFleet;
import io.kloigos.testkit.FakeHost;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Measures the map of 50 servers with 256 CPUs each, and prints what it measured. No test: it runs only when it is named, by
 * {@code mvn test -pl kloigos-http -am -Dtest=ConsoleProbe -Dsurefire.failIfNoSpecifiedTests=false}.
 *
 * <p>An interaction lasts from the time stamp of the input event until the frame that follows it is done. An event lasts from
 * the end of an allocation in the server until the page has what the frame shows.
 */
class ConsoleProbe {
    private static final int SERVERS = 50;
    private static final int CPUS = 256;
    private static final int UNIT = 16;
    private static final int SAMPLES = 120;
    private static final int BETWEEN_KEYS_MILLIS = 80;
    private static final String WATCH = """
            () => {
              window.probe = { inputs: [], seen: {} };
              const painted = then => requestAnimationFrame(() => {
                const channel = new MessageChannel();
                channel.port1.onmessage = then;
                channel.port2.postMessage(null);
              });
              ['pointermove', 'keydown', 'input'].forEach(type => addEventListener(type, event => {
                const at = event.timeStamp;
                painted(() => probe.inputs.push([type, performance.now() - at]));
              }, true));
              new MutationObserver(changes => painted(() => changes.forEach(change => {
                const option = change.target.parentElement?.closest('[role=option]');
                if (option?.textContent.includes('allocated')) probe.seen[option.id] ??= Date.now();
              }))).observe(document.body, { subtree: true, characterData: true });
            }""";

    @Test
    void theMapOf12800Cpus(@TempDir Path directory) {
        FakeHost[] hosts = IntStream.range(0, SERVERS)
                .mapToObj(index -> FakeHost.builder("host" + index, "10.0.1." + index)
                        .cpus(CPUS)
                        .threadsPerCore(2)
                        .nodes(2)
                        .build())
                .toArray(FakeHost[]::new);
        try (Kloigos kloigos = Kloigos.builder()
                        .driver(FakeFleet.of(hosts).driver())
                        .database(directory.resolve("kloigos.db"))
                        .build();
                HttpServer server = HttpServer.start(kloigos, HttpSettings.loopback());
                ConsoleBrowser browser = new ConsoleBrowser()) {
            for (FakeHost host : hosts) {
                init(kloigos, host);
            }
            measure(kloigos, browser, "http://127.0.0.1:" + server.port() + "/");
            browser.requireQuiet();
        }
    }

    private static void init(Kloigos kloigos, FakeHost host) {
        List<CpuSet> units = IntStream.range(0, CPUS / UNIT)
                .mapToObj(unit -> CpuSet.range(unit * UNIT, unit * UNIT + UNIT - 1))
                .toList();
        Operation init = kloigos.initServer(InitServerRequest.of(host.address(), "eu", "a", units));
        kloigos.await(init.id());
    }

    private static void measure(Kloigos kloigos, ConsoleBrowser browser, String url) {
        long begun = System.nanoTime();
        Page page = browser.open(url);
        assertThat(page.locator("[role=option]")).hasCount(SERVERS * CPUS / UNIT);
        System.out.printf(
                "map of %d CPUs shown after %d ms%n", SERVERS * CPUS, (System.nanoTime() - begun) / 1_000_000);
        page.evaluate(WATCH);
        hover(page);
        walk(page);
        type(page);
        List<?> inputs = (List<?>) page.evaluate("() => probe.inputs");
        List.of("pointermove", "keydown", "input").forEach(kind -> print(kind, inputs));
        events(kloigos, page);
    }

    private static void hover(Page page) {
        Locator canvases = page.locator(".cpus canvas");
        for (int i = 0; i < SAMPLES; i++) {
            BoundingBox box = canvases.nth(i % 6).boundingBox();
            page.mouse().move(box.x + 10 + i * 37 % (box.width - 60), box.y + 20 + i * 13 % (box.height - 30));
        }
    }

    private static void walk(Page page) {
        page.locator(".cpus").first().focus();
        for (int i = 0; i < SAMPLES; i++) {
            page.keyboard().press(i % 8 == 7 ? "ArrowDown" : "ArrowRight");
            page.waitForTimeout(BETWEEN_KEYS_MILLIS);
        }
    }

    private static void type(Page page) {
        page.locator("#filter")
                .pressSequentially(
                        "status:free cpu_count:16 host",
                        new Locator.PressSequentiallyOptions().setDelay(BETWEEN_KEYS_MILLIS));
        page.locator("#filter").fill("");
    }

    private static void print(String kind, List<?> inputs) {
        List<Double> millis = inputs.stream()
                .map(input -> (List<?>) input)
                .filter(input -> kind.equals(input.get(0)))
                .map(input -> ((Number) input.get(1)).doubleValue())
                .sorted()
                .toList();
        System.out.printf(
                "%s: %d samples, median %.0f ms, 95 %% %.0f ms, most %.0f ms%n",
                kind,
                millis.size(),
                millis.get(millis.size() / 2),
                millis.get(millis.size() * 95 / 100),
                millis.get(millis.size() - 1));
    }

    private static void events(Kloigos kloigos, Page page) {
        List<Long> delays = new ArrayList<>();
        SshPublicKey key = new SshPublicKey(TestServer.KEY);
        for (int i = 0; i < 30; i++) {
            ComputeUnit unit = kloigos.allocate(new AllocateRequest(UNIT, null, null, Tags.none(), key));
            long ended = System.currentTimeMillis();
            String option = "cpus-of-" + unit.id();
            page.waitForFunction("id => id in probe.seen", option);
            delays.add(((Number) page.evaluate("id => probe.seen[id]", option)).longValue() - ended);
        }
        delays.sort(null);
        System.out.printf(
                "event: %d samples, median %d ms, most %d ms%n",
                delays.size(), delays.get(delays.size() / 2), delays.get(delays.size() - 1));
    }
}
