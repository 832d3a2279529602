package io.kloigos.inventory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kloigos.model.ErrorCode;
import io.kloigos.model.KloigosException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.assertj.core.api.AbstractThrowableAssert;
import org.jdbi.v3.core.ConnectionException;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Handles;
import org.jdbi.v3.core.Jdbi;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Changes of one SQLite file that come while another one is being made. */
@Timeout(60)
class GroupCommitTest {
    private final CountDownLatch first = new CountDownLatch(1);
    private Database database;

    @BeforeEach
    void open(@TempDir Path directory) {
        database = Database.Sqlite.open(directory.resolve("kloigos.db"));
        database.write(handle -> handle.execute("CREATE TABLE notes (name TEXT PRIMARY KEY)"));
    }

    @AfterEach
    void close() {
        database.close();
    }

    @Test
    void allAreMadeAndEachIsAnsweredByItsOwn() throws Exception {
        Map<String, FutureTask<String>> changes = new TreeMap<>();
        List<Thread> threads = new ArrayList<>();
        Thread slow = beginSlowChange();
        for (String name : names(20)) {
            FutureTask<String> change = new FutureTask<>(() -> database.write(handle -> note(handle, name)));
            changes.put(name, change);
            threads.add(startUntilItWaits(change));
        }
        first.countDown();

        for (Map.Entry<String, FutureTask<String>> change : changes.entrySet()) {
            assertThat(change.getValue().get()).isEqualTo(change.getKey());
        }
        join(slow, threads);
        assertThat(notes()).containsAll(changes.keySet()).hasSize(21);
    }

    @Test
    void whatOneThatFailsHasWrittenIsUndoneAndTheOthersStay() throws Exception {
        Thread slow = beginSlowChange();
        FutureTask<String> before = new FutureTask<>(() -> database.write(handle -> note(handle, "before")));
        FutureTask<String> failing = new FutureTask<>(() -> database.write(handle -> {
            note(handle, "failing");
            throw new KloigosException(ErrorCode.WRONG_STATE, "not so");
        }));
        FutureTask<String> broken = new FutureTask<>(() -> database.write(handle -> {
            note(handle, "broken");
            return note(handle, "before");
        }));
        FutureTask<String> after = new FutureTask<>(() -> database.write(handle -> note(handle, "after")));
        List<Thread> threads = new ArrayList<>();
        for (FutureTask<String> change : List.of(before, failing, broken, after)) {
            threads.add(startUntilItWaits(change));
        }
        first.countDown();

        join(slow, threads);
        assertThat(before.get()).isEqualTo("before");
        assertThat(after.get()).isEqualTo("after");
        assertFailed(failing, ErrorCode.WRONG_STATE);
        assertFailed(broken, ErrorCode.STORE_FAILED).hasMessageContaining("Nothing was changed.");
        assertThat(notes()).containsExactly("after", "before", "slow");
    }

    @Test
    void aCommitThatFailsIsToldToAllWhoShareItAndNothingOfItStays() throws Exception {
        Thread slow = beginSlowChange();
        FutureTask<String> orphan = new FutureTask<>(() -> database.write(handle -> {
            // Foreign keys are looked at by the commit then.
            handle.execute("PRAGMA defer_foreign_keys = ON");
            handle.execute("INSERT INTO capacity VALUES ('nowhere', 4, 0, 0)");
            return note(handle, "orphan");
        }));
        FutureTask<String> other = new FutureTask<>(() -> database.write(handle -> note(handle, "other")));
        List<Thread> threads = List.of(startUntilItWaits(orphan), startUntilItWaits(other));
        first.countDown();

        join(slow, threads);
        assertFailed(orphan, ErrorCode.STORE_FAILED)
                .hasMessageContaining("It is not known whether anything was changed");
        assertFailed(other, ErrorCode.STORE_FAILED)
                .hasMessageContaining("It is not known whether anything was changed");
        assertThat(notes()).containsExactly("slow");
        assertThat(database.<String>write(handle -> note(handle, "later"))).isEqualTo("later");
        assertThat(notes()).containsExactly("later", "slow");
    }

    @Test
    void afterATransactionThatTheDatabaseGaveUpChangesAreWholeAgain() {
        // What SQLite does by itself when the disk is full.
        assertThatThrownBy(() -> database.write(handle -> {
                    handle.execute("ROLLBACK");
                    throw new KloigosException(ErrorCode.WRONG_STATE, "given up");
                }))
                .isInstanceOf(KloigosException.class);

        assertThat(database.<String>write(handle -> note(handle, "later"))).isEqualTo("later");
        assertThatThrownBy(() -> database.write(handle -> {
                    note(handle, "half");
                    throw new KloigosException(ErrorCode.WRONG_STATE, "not so");
                }))
                .hasMessage("not so");
        assertThat(notes()).containsExactly("later");
    }

    @Test
    void inPlaceOfAConnectionThatIsLeftInATransactionANewOneIsTriedUntilItIsThere(@TempDir Path directory) {
        Jdbi jdbi = Jdbi.create("jdbc:sqlite:" + directory.resolve("other.db"));
        jdbi.configure(Handles.class, handles -> handles.setForceEndTransactions(false));
        Deque<Supplier<Handle>> connections = new ArrayDeque<>();
        connections.add(() -> jdbi.open().begin());
        connections.add(() -> {
            throw new ConnectionException(new SQLException("too many open files"));
        });
        connections.add(jdbi::open);
        try (GroupCommit writer = new GroupCommit(() -> connections.remove().get())) {
            assertThatThrownBy(() -> writer.make(handle -> note(handle, "early")))
                    .isInstanceOf(ConnectionException.class);
            assertThat(writer.<Integer>make(handle -> handle.execute("CREATE TABLE notes (name TEXT PRIMARY KEY)")))
                    .isZero();
            assertThat(connections).isEmpty();
        }
    }

    @Test
    void nobodyReadsWhatIsNotCommittedAndReadersDoNotWait() throws Exception {
        Thread slow = beginSlowChange();

        assertThat(notes()).isEmpty();

        first.countDown();
        slow.join();
        assertThat(notes()).containsExactly("slow");
    }

    @Test
    void anInterruptedCallerLearnsWhatBecameOfTheChangeAndStaysInterrupted() throws Exception {
        Thread slow = beginSlowChange();
        FutureTask<Boolean> change = new FutureTask<>(() -> {
            database.<String>write(handle -> note(handle, "interrupted"));
            return Thread.currentThread().isInterrupted();
        });
        Thread thread = startUntilItWaits(change);
        thread.interrupt();
        first.countDown();

        assertThat(change.get()).isTrue();
        slow.join();
        assertThat(notes()).containsExactly("interrupted", "slow");
    }

    @Test
    void aClosedDatabaseSaysSo() {
        database.close();

        assertThatThrownBy(() -> database.<String>write(handle -> note(handle, "late")))
                .isInstanceOfSatisfying(
                        KloigosException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.STORE_FAILED));
        assertThatThrownBy(this::notes)
                .isInstanceOfSatisfying(
                        KloigosException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.STORE_FAILED));
    }

    /** Begins a change that does not end before {@link #first} is counted down. */
    private Thread beginSlowChange() throws InterruptedException {
        CountDownLatch begun = new CountDownLatch(1);
        Thread thread = new Thread(() -> database.write(handle -> {
            begun.countDown();
            awaitUninterruptibly(first);
            return note(handle, "slow");
        }));
        thread.start();
        begun.await();
        return thread;
    }

    private static void awaitUninterruptibly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Thread startUntilItWaits(Runnable task) {
        Thread thread = new Thread(task);
        thread.start();
        while (thread.getState() != Thread.State.WAITING) {
            LockSupport.parkNanos(1_000_000);
        }
        return thread;
    }

    private static void join(Thread slow, List<Thread> threads) throws InterruptedException {
        slow.join();
        for (Thread thread : threads) {
            thread.join();
        }
    }

    private static List<String> names(int count) {
        return IntStream.range(0, count).mapToObj(i -> "note" + i).toList();
    }

    private static String note(Handle handle, String name) {
        handle.execute("INSERT INTO notes VALUES (?)", name);
        return name;
    }

    private List<String> notes() {
        return database.read(handle -> handle.createQuery("SELECT name FROM notes ORDER BY name")
                .mapTo(String.class)
                .list());
    }

    private static AbstractThrowableAssert<?, ?> assertFailed(FutureTask<?> change, ErrorCode code) {
        return assertThatThrownBy(change::get)
                .isInstanceOf(ExecutionException.class)
                .cause()
                .isInstanceOfSatisfying(
                        KloigosException.class, e -> assertThat(e.code()).isEqualTo(code));
    }
}
