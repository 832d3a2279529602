package io.kloigos.driver.ssh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kloigos.model.ErrorCode;
import io.kloigos.model.HostAddress;
import io.kloigos.model.HostFacts;
import io.kloigos.model.KloigosException;
import io.kloigos.spi.HostPlan;
import io.kloigos.spi.HostSession;
import io.kloigos.spi.PlanListener;
import io.kloigos.spi.PlanReport;
import io.kloigos.spi.Step;
import io.kloigos.spi.StepReport;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import org.assertj.core.api.ThrowableAssertAlternative;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The driver against a real sshd on this machine. */
@Timeout(180)
class SshHostDriverTest {
    private static final AtomicInteger PLANS = new AtomicInteger();

    /** Only what hangs takes longer, however busy the machine is. */
    private static final Duration LIMIT = Duration.ofMinutes(2);

    @TempDir
    static Path shared;

    private static TestSshd host;

    @TempDir
    Path temp;

    private SshHostDriver driver;

    @BeforeAll
    static void startHost() throws Exception {
        host = TestSshd.start(shared.resolve("sshd"), "ed25519", "ecdsa", "rsa");
    }

    @AfterAll
    static void stopHost() throws Exception {
        host.close();
    }

    @BeforeEach
    void openDriver() {
        host.fault((bytes, length) -> false);
        host.refuse(false);
        driver = driver(host.settings());
    }

    @AfterEach
    void closeDriver() throws InterruptedException {
        driver.close();
        for (Thread thread : Thread.getAllStackTraces().keySet()) {
            if (thread.getName().startsWith("kloigos-ssh-watch")) {
                thread.join(10_000);
                assertThat(thread.isAlive())
                        .as("%s after the driver was closed", thread)
                        .isFalse();
            }
        }
    }

    private SshHostDriver driver(SshSettings settings) {
        return new SshHostDriver(
                settings,
                new PlanProgram.Directories(
                        temp.resolve("run").toString(), temp.resolve("fences").toString()));
    }

    private static HostPlan plan(String unit, Step... steps) {
        return new HostPlan(
                "plan" + PLANS.incrementAndGet(),
                unit.isEmpty() ? HostPlan.Scope.host() : HostPlan.Scope.unit(unit),
                LIMIT,
                List.of(steps));
    }

    private Step append(String word) {
        return Step.Command.of("sh", "-c", "echo " + word + " >>" + temp.resolve("log"));
    }

    private List<String> log() throws Exception {
        return Files.readAllLines(temp.resolve("log"));
    }

    private static void await(Callable<Boolean> condition) throws Exception {
        while (!condition.call()) {
            LockSupport.parkNanos(1_000_000);
        }
    }

    // ---- host keys and logins ----

    @Test
    void factsCarryTheKeyOfTheHost() throws Exception {
        try (HostSession session = driver.open(host.address())) {
            HostFacts facts = session.facts();
            assertThat(facts.hostKey())
                    .isIn(host.fingerprint("ed25519"), host.fingerprint("ecdsa"), host.fingerprint("rsa"));
            assertThat(facts.onlineCpus().isEmpty()).isFalse();
            assertThat(facts.accounts()).containsEntry("root", 0);
            assertThat(facts.mounts()).containsKeys("/", "/home", "/tmp");
            assertThat(HostFacts.parse(facts.toString())).isEqualTo(facts);
        }
    }

    @Test
    void aPinnedKeyOfAnyTypeIsFound() throws Exception {
        for (String type : List.of("ed25519", "ecdsa", "rsa")) {
            try (HostSession session = driver.open(host.address().pinned(host.fingerprint(type)))) {
                assertThat(session.apply(plan(""), PlanListener.none()).failure())
                        .isEmpty();
            }
        }
    }

    @Test
    void anotherKeyThanThePinnedIsRefusedAlsoOnAnOpenConnection() throws Exception {
        driver.open(host.address()).close();
        String other = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        assertFails(ErrorCode.HOST_KEY_MISMATCH, host.address().pinned(other))
                .withMessageContainingAll("host1 (127.0.0.1)", other, host.fingerprint("ed25519"));
    }

    @Test
    void knownHostsDecideWhereNoKeyIsPinned() throws Exception {
        for (String type : List.of("host_ed25519", "host_rsa", "host_ecdsa")) {
            try (SshHostDriver knowing = driver(host.settings().withKnownHosts(host.knownHosts(type)))) {
                knowing.open(host.address()).close();
            }
        }
        try (SshHostDriver knowing = driver(host.settings().withKnownHosts(host.knownHosts("stranger")))) {
            assertThatThrownBy(() -> knowing.open(host.address()))
                    .hasMessageContainingAll("known_hosts", host.fingerprint("ed25519"));
        }
        try (SshHostDriver first = driver(host.settings().withKnownHosts(temp.resolve("none")))) {
            first.open(host.address()).close();
        }
    }

    @Test
    void aRefusedLoginNamesUserHostAndKey() {
        driver.close();
        driver = driver(SshSettings.withKey(host.strangersKey()));
        assertFails(ErrorCode.HOST_LOGIN_REFUSED, host.address())
                .withMessageContainingAll(
                        "host1 (127.0.0.1)", "as " + host.address().sshUser(), host.strangersKey() + "");
    }

    @Test
    void aMissingKeyFileIsARefusedLogin() {
        driver.close();
        driver = driver(SshSettings.withKey(temp.resolve("no-key")));
        assertFails(ErrorCode.HOST_LOGIN_REFUSED, host.address()).withMessageContaining("no-key");
    }

    @Test
    void nobodyListeningIsUnreachable() {
        HostAddress address = new HostAddress("host2", "127.0.0.1", 1, "root", null);
        assertFails(ErrorCode.HOST_UNREACHABLE, address)
                .withMessageContainingAll("host2 (127.0.0.1) port 1", "refused");
    }

    private ThrowableAssertAlternative<KloigosException> assertFails(ErrorCode code, HostAddress address) {
        return assertThatExceptionOfType(KloigosException.class)
                .isThrownBy(() -> driver.open(address))
                .matches(e -> e.code() == code, code.toString());
    }

    // ---- connections ----

    @Test
    void sessionsShareAConnectionAndTheNinthCommandOpensAnother() throws Exception {
        int before = host.connections();
        Path gate = Files.createDirectory(temp.resolve("gate"));
        ExecutorService threads = Executors.newCachedThreadPool();
        try {
            List<Future<PlanReport>> running = new ArrayList<>();
            for (int i = 0; i < 12; i++) {
                String unit = "u" + i;
                running.add(threads.submit(() -> {
                    try (HostSession session = driver.open(host.address())) {
                        return session.apply(
                                plan(
                                        unit,
                                        Step.Command.of(
                                                "touch", gate.resolve(unit).toString()),
                                        Step.Command.of(
                                                "sh",
                                                "-c",
                                                "until [ $(ls " + gate + " | wc -l) = 12 ]; do sleep 0.05; done")),
                                PlanListener.none());
                    }
                }));
            }
            for (Future<PlanReport> each : running) {
                assertThat(each.get().failure()).isEmpty();
            }
        } finally {
            threads.shutdownNow();
        }
        assertThat(host.connections() - before).isEqualTo(2);
    }

    @Test
    void whatNoProgramExpectsEndsOneAttemptToConnectAndNotTheNext() {
        AtomicInteger asked = new AtomicInteger();
        Path key = host.settings().privateKey();
        Path keyWithoutMemory = (Path) Proxy.newProxyInstance(
                Path.class.getClassLoader(), new Class<?>[] {Path.class}, (proxy, method, args) -> {
                    if (method.getName().equals("toString") && asked.getAndIncrement() == 0) {
                        throw new OutOfMemoryError("injected");
                    }
                    return method.invoke(key, args);
                });
        SshSettings settings = host.settings();
        try (SshHostDriver unlucky = driver(new SshSettings(
                keyWithoutMemory,
                settings.knownHosts(),
                settings.defaultUser(),
                settings.defaultPort(),
                settings.connectTimeout(),
                settings.keepAlive(),
                settings.idleTimeout(),
                settings.maxSessionsPerConnection(),
                settings.lockTimeout(),
                settings.reconnectTimeout()))) {
            assertThatThrownBy(() -> unlucky.open(host.address())).isInstanceOf(OutOfMemoryError.class);

            try (HostSession session = unlucky.open(host.address())) {
                assertThat(session.apply(plan("u1", append("x")), PlanListener.none())
                                .failure())
                        .isEmpty();
            }
        }
    }

    @Test
    void aConnectionThatDiedUnusedIsReplaced() throws Exception {
        try (HostSession session = driver.open(host.address())) {
            session.apply(plan(""), PlanListener.none());
            host.cutAll();
            assertThat(session.apply(plan("", append("x")), PlanListener.none()).failure())
                    .isEmpty();
            assertThat(log()).containsExactly("x");
        }
    }

    @Test
    void aConnectionThatEndedAfterItWasLookedAtIsLost() {
        try (ConnectionPool pool = new ConnectionPool(host.settings())) {
            SshConnection connection = pool.acquire(host.address());
            connection.cut();

            assertThatThrownBy(() -> connection.run("true", "", line -> {}))
                    .isInstanceOf(SshConnection.LostException.class);
        }
    }

    @Test
    void anIdleConnectionIsClosed() throws Exception {
        driver.close();
        driver = driver(host.settings()
                .withConnectionTimes(
                        Duration.ofSeconds(10), Duration.ofSeconds(1), Duration.ofMillis(50), Duration.ofSeconds(5)));
        driver.open(host.address()).close();
        await(() -> Thread.getAllStackTraces().keySet().stream()
                .noneMatch(thread -> thread.getName().equals("kloigos-ssh-reader-host1")));
    }

    @Test
    void closingEndsEveryThreadAndEverySession() throws Exception {
        HostSession session = driver.open(host.address());
        CountDownLatch begun = new CountDownLatch(1);
        ExecutorService thread = Executors.newSingleThreadExecutor();
        try {
            Future<PlanReport> running = thread.submit(() -> session.apply(
                    plan("", Step.Command.of("sleep", "3")), new Recorder(index -> begun.countDown(), report -> {})));
            begun.await();
            driver.close();
            assertThatThrownBy(running::get)
                    .hasCauseInstanceOf(KloigosException.class)
                    .hasMessageContaining("could not learn its outcome");
        } finally {
            thread.shutdownNow();
        }
        await(() -> Thread.getAllStackTraces().keySet().stream()
                .noneMatch(each -> each.getName().startsWith("kloigos-ssh-")));
        assertThatThrownBy(() -> driver.open(host.address())).hasMessageContaining("closed");
    }

    // ---- lost connections ----

    private record Recorder(IntConsumer onBegun, Consumer<StepReport> onEnded) implements PlanListener {
        @Override
        public void begun(int index) {
            onBegun.accept(index);
        }

        @Override
        public void ended(StepReport report) {
            onEnded.accept(report);
        }
    }

    @Test
    void aConnectionLostAtAnyStepLosesNothingAndRepeatsNothing() throws Exception {
        for (int lostAt = 0; lostAt < 4; lostAt++) {
            Files.deleteIfExists(temp.resolve("log"));
            List<String> heard = new ArrayList<>();
            int at = lostAt;
            HostPlan plan =
                    plan("", append("a"), append("b"), append("c"), Step.Command.of("sh", "-c", "echo why; exit 9"));
            try (HostSession session = driver.open(host.address())) {
                PlanReport report = session.apply(
                        plan,
                        new Recorder(
                                index -> {
                                    heard.add("begun " + index);
                                    if (index == at) {
                                        host.cutAll();
                                    }
                                },
                                ended -> heard.add("ended " + ended.index())));
                assertThat(report.steps()).hasSize(4);
                assertThat(report.failure().orElseThrow().detail()).contains("exited with 9", "why");
            }
            assertThat(log()).containsExactly("a", "b", "c");
            assertThat(heard)
                    .containsExactly(
                            "begun 0", "ended 0", "begun 1", "ended 1", "begun 2", "ended 2", "begun 3", "ended 3");
        }
    }

    @Test
    void aLostReplyIsAskedForAgain() throws Exception {
        try (HostSession session = driver.open(host.address())) {
            AtomicInteger lost = new AtomicInteger();
            // Once the effect is there, the host is not heard any more.
            host.fault((bytes, length) -> Files.exists(temp.resolve("log")) && lost.getAndIncrement() == 0);
            PlanReport report = session.apply(plan("u1", append("x"), append("y")), PlanListener.none());
            assertThat(report.failure()).isEmpty();
            assertThat(lost).hasPositiveValue();
            assertThat(log()).containsExactly("x", "y");
        }
    }

    @Test
    void aHostThatStaysAwayLeavesTheOutcomeUnknown() throws Exception {
        driver.close();
        driver = driver(host.settings()
                .withConnectionTimes(
                        Duration.ofSeconds(10), Duration.ofSeconds(1), Duration.ofMinutes(1), Duration.ofMillis(700)));
        HostPlan plan = plan("", append("x"), Step.Command.of("sh", "-c", "sleep 1"), append("y"));
        HostSession session = driver.open(host.address());
        assertThatExceptionOfType(KloigosException.class)
                .isThrownBy(() -> session.apply(
                        plan,
                        new Recorder(
                                index -> {
                                    if (index == 1) {
                                        host.refuse(true);
                                        host.cutAll();
                                    }
                                },
                                report -> {})))
                .matches(e -> e.code() == ErrorCode.HOST_UNREACHABLE)
                .withMessageContainingAll("last seen at step 2 of 3", "safe to repeat");
        host.refuse(false);
        assertThat(session.apply(plan, PlanListener.none()).steps()).hasSize(3);
        assertThat(log()).containsExactly("x", "y");
    }

    @Test
    void aConnectionDroppedBeforeAWordIsTriedAgain() {
        AtomicInteger left = new AtomicInteger(2);
        host.fault((bytes, length) -> left.getAndDecrement() > 0);

        try (HostSession session = driver.open(host.address())) {
            assertThat(session.apply(plan("dropped", append("x")), PlanListener.none())
                            .end())
                    .isEqualTo(PlanReport.End.COMPLETED);
        }
    }

    @Test
    void aSilentHostIsFoundOutByKeepAlives() throws Exception {
        driver.close();
        driver = driver(host.settings()
                .withConnectionTimes(
                        Duration.ofSeconds(10), Duration.ofSeconds(1), Duration.ofMinutes(1), Duration.ofMinutes(1)));
        HostSession session = driver.open(host.address());
        AtomicInteger silent = new AtomicInteger(1);
        host.fault((bytes, length) -> {
            // Swallowed, not closed: as if a cable were cut.
            while (silent.get() == 2 && !Files.exists(temp.resolve("healed"))) {
                LockSupport.parkNanos(1_000_000);
            }
            return false;
        });
        int before = host.connections();
        ExecutorService thread = Executors.newSingleThreadExecutor();
        try {
            Future<PlanReport> running = thread.submit(() -> session.apply(
                    plan("", append("x"), Step.Command.of("sh", "-c", "sleep 1"), append("y")),
                    new Recorder(index -> silent.compareAndSet(1, 2), report -> {})));
            await(() -> host.connections() > before);
            Files.createFile(temp.resolve("healed"));
            assertThat(running.get().failure()).isEmpty();
        } finally {
            thread.shutdownNow();
        }
        assertThat(log()).containsExactly("x", "y");
    }

    // ---- time and locks ----

    @Test
    void aHungCommandIsEndedAtTheLimitAndItsStepNamed() throws Exception {
        HostPlan plan = new HostPlan(
                "hung" + System.nanoTime(),
                HostPlan.Scope.host(),
                Duration.ofSeconds(1),
                List.of(
                        append("a"),
                        Step.Command.of("sh", "-c", "echo $$ >>" + temp.resolve("pid") + "; exec sleep 1000")));
        try (HostSession session = driver.open(host.address())) {
            assertThatExceptionOfType(KloigosException.class)
                    .isThrownBy(() -> session.apply(plan, PlanListener.none()))
                    .matches(e -> e.code() == ErrorCode.HOST_TIMEOUT)
                    .withMessageContainingAll("step 2 of 2", "sleep 1000", "limit is 1 s");
            Path status =
                    Path.of("/proc/" + Files.readString(temp.resolve("pid")).strip() + "/status");
            await(() -> !Files.exists(status) || Files.readString(status).contains("State:\tZ"));
            assertThat(session.apply(plan("", append("b")), PlanListener.none()).failure())
                    .isEmpty();
        }
    }

    @Test
    void aLockThatIsNotHadInTimeNamesItsHolder() throws Exception {
        HostPlan holder =
                plan("u1", Step.Command.of("sh", "-c", "until [ -e " + temp.resolve("go") + " ]; do sleep 0.05; done"));
        CountDownLatch begun = new CountDownLatch(1);
        ExecutorService thread = Executors.newSingleThreadExecutor();
        try (HostSession session = driver.open(host.address());
                HostSession other = driver.open(host.address())) {
            Future<PlanReport> running =
                    thread.submit(() -> session.apply(holder, new Recorder(index -> begun.countDown(), report -> {})));
            begun.await();
            assertThatExceptionOfType(KloigosException.class)
                    .isThrownBy(() -> other.apply(plan(""), PlanListener.none()))
                    .matches(e -> e.code() == ErrorCode.HOST_BUSY)
                    .withMessageContaining("for plan " + holder.id() + " to end");
            assertThat(other.apply(plan("u2", append("beside")), PlanListener.none())
                            .failure())
                    .isEmpty();
            Files.createFile(temp.resolve("go"));
            assertThat(running.get().failure()).isEmpty();
        } finally {
            thread.shutdownNow();
        }
    }

    @Test
    void aPlanThatTheHostIsAtIsWaitedForAsLongAsItMayTake() throws Exception {
        HostPlan plan =
                plan("u1", Step.Command.of("sh", "-c", "until [ -e " + temp.resolve("go") + " ]; do sleep 0.05; done"));
        CountDownLatch begun = new CountDownLatch(1);
        ExecutorService threads = Executors.newFixedThreadPool(2);
        try (HostSession session = driver.open(host.address());
                HostSession successor = driver.open(host.address());
                HostSession other = driver.open(host.address())) {
            Future<PlanReport> running =
                    threads.submit(() -> session.apply(plan, new Recorder(index -> begun.countDown(), report -> {})));
            begun.await();
            Future<PlanReport> takenOver = threads.submit(() -> successor.apply(plan, PlanListener.none()));
            for (int time = 0; time < 2; time++) {
                assertThatExceptionOfType(KloigosException.class)
                        .as("the usual time to wait for a lock is over")
                        .isThrownBy(() -> other.apply(plan(""), PlanListener.none()))
                        .matches(e -> e.code() == ErrorCode.HOST_BUSY);
            }
            Files.createFile(temp.resolve("go"));
            assertThat(takenOver.get()).isEqualTo(running.get());
        } finally {
            threads.shutdownNow();
        }
    }

    @Test
    void aLargePlanComesThrough() throws Exception {
        String content = "0123456789abcde\n".repeat(60_000);
        Step file = new Step.TextFile(
                temp.resolve("large").toString(),
                content,
                new Step.Access((Integer) Files.getAttribute(temp, "unix:uid"), 0644));
        try (HostSession session = driver.open(host.address())) {
            assertThat(session.apply(plan("", file), PlanListener.none()).failure())
                    .isEmpty();
        }
        assertThat(Files.readString(temp.resolve("large"), StandardCharsets.UTF_8))
                .isEqualTo(content);
    }
}
