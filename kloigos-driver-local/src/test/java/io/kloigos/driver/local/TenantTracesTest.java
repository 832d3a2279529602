package io.kloigos.driver.local;

import static org.assertj.core.api.Assertions.assertThat;

import io.kloigos.model.HostAddress;
import io.kloigos.model.Trace;
import io.kloigos.spi.HostPlan;
import io.kloigos.spi.HostPlan.Scope;
import io.kloigos.spi.HostSession;
import io.kloigos.spi.PlanListener;
import io.kloigos.spi.PlanReport;
import io.kloigos.spi.Reading;
import io.kloigos.spi.Step;
import io.kloigos.spi.StepReport;
import io.kloigos.spi.StepReport.Outcome;
import io.kloigos.spi.UnitAccount;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;

/** Real processes, IPC objects and jobs of a user id that nobody has are found and erased. */
@EnabledIf("io.kloigos.driver.local.LocalHostDriverTest#isRoot")
class TenantTracesTest {
    private static final int UID = 54322;

    @TempDir
    Path directory;

    private UnitAccount tenant() {
        return new UnitAccount("kloigos-left", UID, List.of(directory.toString()));
    }

    private Process asTenant(String... argv) throws Exception {
        List<String> all =
                new ArrayList<>(List.of("setpriv", "--reuid", "" + UID, "--regid", "" + UID, "--clear-groups", "--"));
        all.addAll(Arrays.asList(argv));
        return new ProcessBuilder(all).redirectErrorStream(true).start();
    }

    @Test
    void processesEndWhateverTheyIgnore() throws Exception {
        Process process = asTenant("sh", "-c", "trap '' TERM INT HUP; echo ready; while :; do sleep 60; done");
        assertThat(process.getInputStream().read()).isEqualTo('r');

        assertThat(found(Trace.PROCESSES)).contains("pid:" + process.pid());
        assertErased(Trace.PROCESSES);

        assertThat(process.waitFor(10, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void aProcessThatOnlyCanTakeTheUsersOrGroupsIdEndsToo() throws Exception {
        for (String id : List.of("os.setresuid(0, 0, " + UID + ")", "os.setresgid(0, 0, " + UID + ")")) {
            Process process = new ProcessBuilder(
                            "python3", "-c", "import os, time; " + id + "; print('r', flush=True); time.sleep(60)")
                    .start();
            assertThat(process.getInputStream().read()).isEqualTo('r');

            assertThat(found(Trace.PROCESSES)).isEqualTo("pid:" + process.pid());
            assertErased(Trace.PROCESSES);

            assertThat(process.waitFor(10, TimeUnit.SECONDS)).isTrue();
        }
    }

    /** setresuid of the C library would change every thread. */
    @Test
    void aProcessOfWhichOnlyAThreadHasTheUsersIdEndsToo() throws Exception {
        String program = "import ctypes, threading, time; syscall = ctypes.CDLL(None).syscall\n"
                + "def act(): syscall(117, " + UID + ", " + UID + ", " + UID
                + "); print('r', flush=True); time.sleep(60)\n"
                + "threading.Thread(target=act).start()\n";
        for (String firstThread : List.of("time.sleep(60)", "time.sleep(0.5); syscall(60, 0)")) {
            Process process = new ProcessBuilder("python3", "-c", program + firstThread).start();
            assertThat(process.getInputStream().read()).isEqualTo('r');
            if (firstThread.contains("60, 0")) {
                awaitZombie(process);
            }

            assertThat(found(Trace.PROCESSES)).isEqualTo("pid:" + process.pid());
            assertErased(Trace.PROCESSES);

            assertThat(process.waitFor(10, TimeUnit.SECONDS)).isTrue();
        }
    }

    private static void awaitZombie(Process process) throws Exception {
        while (!Files.readString(Path.of("/proc/" + process.pid() + "/status")).contains("State:\tZ")) {
            Thread.onSpinWait();
        }
    }

    @Test
    void whatIsMountedGoesWhateverItIsCalled() throws Exception {
        for (String name : List.of("a 1", "new\nline", "caf\\351", "back\\slash")) {
            run("mkdir -- \"$1\" && mount -t tmpfs left -- \"$1\"", name);

            assertThat(found(Trace.MOUNTS)).isNotEqualTo("none");
            assertErased(Trace.MOUNTS);

            run("rmdir -- \"$1\"", name);
        }
    }

    /** Runs a program of the shell's on a file of this directory, whose name has the escapes of printf(1). */
    private void run(String program, String name) throws Exception {
        Process process = new ProcessBuilder(
                        "sh",
                        "-c",
                        "cd -- \"$2\" && set -- \"$(printf '%b' \"$1\")\" && " + program,
                        "sh",
                        name,
                        "" + directory)
                .inheritIO()
                .start();
        assertThat(process.waitFor()).isZero();
    }

    @Test
    void whoHasARemovedFileOfTheUsersOpenIsNamed() throws Exception {
        Path file = Files.createFile(directory.resolve("kept"));
        Files.setAttribute(file, "unix:uid", UID);
        Process process = new ProcessBuilder("sh", "-c", "exec 3< " + file + "; echo r; read -r line").start();
        try {
            assertThat(process.getInputStream().read()).isEqualTo('r');
            Files.delete(file);

            assertThat(TenantProcesses.fileHolders(UID)).containsExactly("open:" + process.pid() + ":sh");
        } finally {
            process.destroy();
        }
    }

    @Test
    void whoHasASocketOfTheUsersOpenIsNamedThoughItNeitherListensNorIsConnected() throws Exception {
        Process process = new ProcessBuilder(
                        "python3",
                        "-c",
                        "import os, socket, time; os.seteuid(" + UID + "); bound = socket.socket(); "
                                + "bound.bind(('127.0.0.1', 0)); os.seteuid(0); print('r', flush=True); time.sleep(60)")
                .start();
        try {
            assertThat(process.getInputStream().read()).isEqualTo('r');

            assertThat(found(Trace.SOCKETS)).isEqualTo("open:" + process.pid() + ":python3");
        } finally {
            process.destroyForcibly().waitFor();
        }
    }

    @Test
    void sharedMemorySemaphoresAndQueuesGo() throws Exception {
        for (String kind : List.of("-M 4096", "-Q", "-S 1")) {
            List<String> argv = new ArrayList<>(List.of("ipcmk"));
            argv.addAll(List.of(kind.split(" ", -1)));
            assertThat(asTenant(argv.toArray(String[]::new)).waitFor()).isZero();
        }

        for (Trace trace : List.of(Trace.SHARED_MEMORY, Trace.MESSAGE_QUEUES, Trace.SEMAPHORES)) {
            assertThat(found(trace)).isNotEqualTo("none").doesNotContain(" ");
            assertErased(trace);
        }
    }

    @Test
    void crontabsGo() throws Exception {
        Path crontabs = Path.of("/var/spool/cron/crontabs");
        Path planted = (Files.isDirectory(crontabs) ? crontabs : Files.createDirectories(Path.of("/var/spool/cron")))
                .resolve("kloigos-left");
        Files.writeString(planted, "* * * * * true\n");

        assertThat(found(Trace.CRONTABS)).isEqualTo(planted.toString());
        assertErased(Trace.CRONTABS);
    }

    @Test
    void coreDumpsGoButNotThoseOfOthersWhoseProcessHadTheNumber() throws Exception {
        Path dumps = Files.createDirectories(Path.of("/var/lib/systemd/coredump"));
        String boot = "0123456789abcdef0123456789abcdef";
        Path own = dumps.resolve("core.left\\x2epy." + UID + "." + boot + ".4711.1700000000000000.zst");
        Path others = dumps.resolve("core.other.54321." + boot + "." + UID + ".1700000000000000.zst");
        Files.writeString(own, "");
        Files.writeString(others, "");
        try {
            assertThat(found(Trace.CORE_DUMPS)).isEqualTo(own.toString());
            assertErased(Trace.CORE_DUMPS);

            assertThat(own).doesNotExist();
            assertThat(others).exists();
        } finally {
            Files.deleteIfExists(others);
        }
    }

    private void assertErased(Trace trace) {
        Step erasure = new Step.Erasure(trace, tenant());
        PlanReport first = apply(erasure, new Step.Expectation(new Reading.Traces(trace, tenant()), "none"), erasure);
        assertThat(first.steps())
                .extracting(StepReport::outcome)
                .containsExactly(Outcome.CHANGED, Outcome.UNCHANGED, Outcome.UNCHANGED);
    }

    /** Returns what the reading finds, by expecting something else. */
    private String found(Trace trace) {
        String detail = apply(new Step.Expectation(new Reading.Traces(trace, tenant()), "?"))
                .failure()
                .orElseThrow()
                .detail();
        return detail.substring("expected ?, found ".length());
    }

    private PlanReport apply(Step... steps) {
        try (LocalHostDriver driver = new LocalHostDriver(directory.resolve("run"));
                HostSession session = driver.open(new HostAddress("localhost", "127.0.0.1", null, null, null))) {
            return session.apply(
                    new HostPlan("plan-" + System.nanoTime(), Scope.host(), Duration.ofSeconds(60), List.of(steps)),
                    PlanListener.none());
        }
    }
}
