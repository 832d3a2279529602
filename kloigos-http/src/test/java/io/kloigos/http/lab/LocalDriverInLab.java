package io.kloigos.http.lab;

import io.kloigos.driver.local.LocalHostDriver;
import io.kloigos.model.HostAddress;
import io.kloigos.spi.HostDriver;
import io.kloigos.testkit.HostDriverContract;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Base64;
import java.util.StringJoiner;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/**
 * A program that runs on the lab's host and manages it from there. It obeys lines of words with tabs between them, and answers
 * each with one line: {@code ok} or {@code failed}, and a text in Base64.
 */
final class LocalDriverInLab {
    static final HostAddress ADDRESS = new HostAddress("host1", "127.0.0.1", null, null, null);

    private LocalDriverInLab() {}

    public static void main(String[] directory) throws IOException {
        PrintStream answers = System.out;
        System.setOut(System.err);
        BufferedReader questions = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        try (Story story = new Story(new LocalHostDriver(), ADDRESS, Path.of(directory[0], "kloigos.db"))) {
            for (String line = questions.readLine(); line != null; line = questions.readLine()) {
                answers.println(answer(story, line.split("\t", -1)));
            }
        }
    }

    private static String answer(Story story, String... words) {
        try {
            return "ok " + encoded(words[0].equals("contract") ? contract() : story.tell(words));
        } catch (RuntimeException | AssertionError e) {
            StringWriter trace = new StringWriter();
            e.printStackTrace(new PrintWriter(trace));
            return "failed " + encoded(trace.toString());
        }
    }

    private static String encoded(String text) {
        return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }

    /** Returns one line for each behaviour of the contract: whether it was kept, its name, and why not. */
    private static String contract() {
        StringJoiner out = new StringJoiner("\n");
        LauncherFactory.create()
                .execute(
                        LauncherDiscoveryRequestBuilder.request()
                                .selectors(DiscoverySelectors.selectClass(Contract.class))
                                .build(),
                        new TestExecutionListener() {
                            @Override
                            public void executionFinished(TestIdentifier test, TestExecutionResult result) {
                                if (test.isTest() || result.getThrowable().isPresent()) {
                                    out.add(result.getStatus() + " " + test.getDisplayName()
                                            + result.getThrowable()
                                                    .map(thrown -> ": " + thrown)
                                                    .orElse("")
                                                    .replace("\n", " | "));
                                }
                            }
                        });
        return out.toString();
    }

    /** The contract with the directories that the local driver has on a real host. */
    @TestInstance(TestInstance.Lifecycle.PER_CLASS)
    static class Contract implements HostDriverContract {
        private final LocalHostDriver driver = new LocalHostDriver();

        @TempDir
        Path directory;

        @AfterAll
        void close() {
            driver.close();
        }

        @Override
        public HostDriver driver() {
            return driver;
        }

        @Override
        public HostDriver anotherDriver() {
            return new LocalHostDriver();
        }

        @Override
        public HostAddress host() {
            return ADDRESS;
        }

        @Override
        public String scratchDirectory() {
            return directory.toString();
        }
    }
}
