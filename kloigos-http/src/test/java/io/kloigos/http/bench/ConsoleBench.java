package io.kloigos.http.bench;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;

import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.options.BoundingBox;
import io.kloigos.Kloigos;
import io.kloigos.http.ConsoleBrowser;
import io.kloigos.http.HttpServer;
import io.kloigos.http.HttpSettings;
import io.kloigos.model.ComputeId;
import io.kloigos.model.CpuSet;
import io.kloigos.model.InitServerRequest;
import io.kloigos.testkit.FakeFleet;
import io.kloigos.testkit.FakeHost;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.IntStream;

/**
 * How long the console's map of 50 servers with 256 CPUs each keeps its user waiting, in headless Chromium, beside the map of one server
 * with 16 CPUs: the longest interaction of each kind in a round, and how long after the request for an allocation the map shows it.
 *
 * <p>An interaction lasts from the time stamp of the input event until the frame that shows what came of it is done.
 */
final class ConsoleBench {
    private static final int MOVES = 40;
    private static final int BETWEEN_KEYS_MILLIS = 80;
    private static final int EVENTS = 5;
    private static final byte[] ALLOCATE = HttpConnection.post(
            "/api/compute_units/allocate",
            "{\"cpu_count\": null, \"tags\": {\"deployment_id\": \"web\"}, \"ssh_public_key\":"
                    + " \"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f bench\"}");

    /** Notes when each input event was answered by a frame, each unit's page was there, and each allocation was on the map. */
    private static final String WATCH = """
            () => {
              window.bench = { inputs: [], opened: [], seen: {}, enter: null };
              const painted = then => requestAnimationFrame(() => {
                const channel = new MessageChannel();
                channel.port1.onmessage = then;
                channel.port2.postMessage(null);
              });
              ['pointermove', 'keydown', 'input'].forEach(type => addEventListener(type, event => {
                const at = event.timeStamp;
                if (event.key === 'Enter') bench.enter = at;
                else painted(() => bench.inputs.push([type, performance.now() - at]));
              }, true));
              new MutationObserver(changes => {
                if (bench.enter !== null && location.pathname.startsWith('/units/') && document.querySelector('.panels')) {
                  const at = bench.enter;
                  bench.enter = null;
                  painted(() => bench.opened.push(performance.now() - at));
                }
                const allocated = changes.map(change => change.target.parentElement?.closest('[role=option]'))
                  .filter(option => option?.textContent.includes('allocated'));
                if (allocated.length) painted(() => allocated.forEach(option => { bench.seen[option.id] ??= Date.now(); }));
              }).observe(document.body, { subtree: true, childList: true, characterData: true });
            }""";

    private ConsoleBench() {}

    /** A server, and the page that shows its fleet. */
    private static final class Shown implements AutoCloseable {
        private final Kloigos kloigos;
        private final HttpServer server;
        private final String url;
        private final ConsoleBrowser browser;
        private final int units;
        private Page page;

        Shown(Path file, ConsoleBrowser browser, int servers, int cpus, int unitCpus) {
            FakeHost[] hosts = IntStream.range(0, servers)
                    .mapToObj(index -> FakeHost.builder("host" + index, "10.0.1." + index)
                            .cpus(cpus)
                            .threadsPerCore(2)
                            .nodes(2)
                            .build())
                    .toArray(FakeHost[]::new);
            this.kloigos = Kloigos.builder()
                    .driver(FakeFleet.of(hosts).driver())
                    .database(file)
                    .neverCheckDrift()
                    .build();
            List<CpuSet> sets = IntStream.range(1, cpus / unitCpus)
                    .mapToObj(unit -> CpuSet.range(unit * unitCpus, unit * unitCpus + unitCpus - 1))
                    .toList();
            for (FakeHost host : hosts) {
                kloigos.await(kloigos.initServer(InitServerRequest.of(host.address(), "eu", "a", sets))
                        .id());
            }
            this.units = servers * sets.size();
            this.browser = browser;
            this.server = HttpServer.start(kloigos, HttpSettings.loopback());
            this.url = "http://127.0.0.1:" + server.port() + "/";
            this.page = browser.open(url);
        }

        /** Returns after how many milliseconds the page was there with the whole map. */
        double open() {
            page.close();
            long begin = System.nanoTime();
            page = browser.open(url);
            assertThat(page.locator("[role=option]")).hasCount(units);
            double millis = millisSince(begin);
            page.evaluate(WATCH);
            return millis;
        }

        double hover() {
            Locator canvases = page.locator(".cpus canvas");
            int count = Math.min(6, canvases.count());
            for (int move = 0; move < MOVES; move++) {
                BoundingBox box = canvases.nth(move % count).boundingBox();
                page.mouse()
                        .move(box.x + 10 + move * 37 % (box.width - 20), box.y + 10 + move * 13 % (box.height - 20));
            }
            return longest("pointermove");
        }

        double walk() {
            page.locator(".cpus").first().focus();
            for (int key = 0; key < MOVES; key++) {
                page.keyboard().press(key % 8 == 7 ? "ArrowDown" : "ArrowRight");
                page.waitForTimeout(BETWEEN_KEYS_MILLIS);
            }
            return longest("keydown");
        }

        double filter() {
            page.locator("#filter")
                    .pressSequentially(
                            "status:free host", new Locator.PressSequentiallyOptions().setDelay(BETWEEN_KEYS_MILLIS));
            page.locator("#filter").fill("");
            page.waitForTimeout(BETWEEN_KEYS_MILLIS);
            return longest("input");
        }

        double openUnit() {
            page.locator(".cpus").first().focus();
            page.keyboard().press("Home");
            page.waitForTimeout(BETWEEN_KEYS_MILLIS);
            page.keyboard().press("Enter");
            page.waitForFunction("() => bench.opened.length > 0");
            double millis = ((Number) page.evaluate("bench.opened.pop()")).doubleValue();
            page.goBack();
            assertThat(page.locator("[role=option]")).hasCount(units);
            return millis;
        }

        /** Returns how long after the request the map showed the latest of a few allocations. */
        double event() {
            double latest = 0;
            for (int event = 0; event < EVENTS; event++) {
                long begin = System.currentTimeMillis();
                String id = allocate();
                String option = "cpus-of-" + id;
                page.waitForFunction("id => id in bench.seen", option);
                latest = Math.max(
                        latest, ((Number) page.evaluate("id => bench.seen[id]", option)).doubleValue() - begin);
                kloigos.await(kloigos.deallocate(new ComputeId(id)).id());
                assertThat(page.locator("[id='" + option + "']")).containsText("free");
                page.evaluate("id => { delete bench.seen[id]; }", option);
            }
            return latest;
        }

        private String allocate() {
            try (HttpConnection client = new HttpConnection(server.port())) {
                HttpConnection.Answer answer = client.send(ALLOCATE);
                if (answer.status() != 200) {
                    throw new IllegalStateException("the allocation was answered with " + answer);
                }
                return answer.field("compute_id");
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        }

        private double longest(String kind) {
            List<?> inputs = (List<?>) page.evaluate("bench.inputs.splice(0)");
            return inputs.stream()
                    .map(input -> (List<?>) input)
                    .filter(input -> kind.equals(input.get(0)))
                    .mapToDouble(input -> ((Number) input.get(1)).doubleValue())
                    .max()
                    .orElseThrow();
        }

        @Override
        public void close() {
            page.close();
            server.close();
            kloigos.close();
        }
    }

    public static void main(String[] arguments) throws Exception {
        int rounds = List.of(arguments).contains("--quick") ? 5 : 11;
        Map<String, Function<Shown, Double>> kinds = new LinkedHashMap<>();
        kinds.put("the page with the whole map", Shown::open);
        kinds.put("longest of " + MOVES + " moves of the pointer over CPUs", Shown::hover);
        kinds.put("longest of " + MOVES + " keys from unit to unit", Shown::walk);
        kinds.put("longest of 17 inputs of a filter", Shown::filter);
        kinds.put("a unit opened", Shown::openUnit);
        kinds.put("latest of " + EVENTS + " allocations on the map", Shown::event);
        Map<String, Ratios> results = new LinkedHashMap<>();
        Map<String, Double> most = new LinkedHashMap<>();
        try (BenchDirectory directory = BenchDirectory.create();
                ConsoleBrowser browser = new ConsoleBrowser();
                Shown fleet = new Shown(directory.resolve("fleet.db"), browser, 50, 256, 16);
                Shown one = new Shown(directory.resolve("one.db"), browser, 1, 16, 4)) {
            for (int round = -1; round < rounds; round++) {
                for (Map.Entry<String, Function<Shown, Double>> kind : kinds.entrySet()) {
                    double millis = kind.getValue().apply(fleet);
                    double reference = kind.getValue().apply(one);
                    if (round >= 0) {
                        results.computeIfAbsent(kind.getKey(), name -> new Ratios())
                                .add(millis, reference);
                        most.merge(kind.getKey(), millis, Math::max);
                    }
                }
            }
        }
        System.out.println("50 servers of 256 CPUs beside one of 16; the first round is left out");
        System.out.println(Ratios.head());
        results.forEach((name, ratios) -> System.out.println(ratios.row(name, "ms")));
        most.remove("the page with the whole map");
        most.forEach((name, millis) -> System.out.printf("%s: at most %.0f ms%n", name, millis));
        System.out.printf("of all these: at most %.0f ms%n", Collections.max(most.values()));
    }

    private static double millisSince(long begin) {
        return (System.nanoTime() - begin) / 1e6;
    }
}
