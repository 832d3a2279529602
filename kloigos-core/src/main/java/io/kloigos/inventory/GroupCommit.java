package io.kloigos.inventory;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.JdbiException;
import org.jspecify.annotations.Nullable;

/**
 * Changes through one connection that share commits: those that come while a transaction is under way wait, and are made
 * together in the next one. Each has a savepoint of its own, so one that fails leaves the others as they are; if the commit
 * fails, all of them have failed. Safe for use by many threads.
 *
 * <p>There is no thread for it: of those that wait, the first makes the changes of all, and then wakes the others.
 */
final class GroupCommit implements AutoCloseable {
    private static final String SAVEPOINT = "change";

    private final Supplier<Handle> connections;
    private Handle handle;
    private List<Change<?>> waiting = new ArrayList<>();
    private boolean led;

    /** Changes through one connection of these, which nothing else uses and which is closed with it. */
    GroupCommit(Supplier<Handle> connections) {
        this.connections = connections;
        this.handle = connections.get();
    }

    /** A change, and what became of it. */
    private static final class Change<T> {
        private final Function<Handle, T> work;
        private final CountDownLatch turn = new CountDownLatch(1);
        private @Nullable T result;
        private @Nullable Throwable failure;
        private boolean done;

        Change(Function<Handle, T> work) {
            this.work = work;
        }

        void make(Handle handle) {
            result = work.apply(handle);
        }

        void end() {
            done = true;
            turn.countDown();
        }

        /** A change is not given up by an interruption: it may be made already. */
        void awaitTurn() {
            boolean interrupted = false;
            while (true) {
                try {
                    turn.await();
                    break;
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }

        @SuppressWarnings("NullAway") // What the work returned; it may be null where T may.
        T result() {
            if (failure instanceof RuntimeException exception) {
                throw exception;
            }
            if (failure instanceof Error error) {
                throw error;
            }
            return result;
        }
    }

    /** Returns what {@code work} returns, once everything that it wrote is on the disk; throws what it throws. */
    <T> T make(Function<Handle, T> work) {
        Change<T> change = new Change<>(work);
        if (!add(change)) {
            change.awaitTurn();
        }
        if (!change.done) {
            lead();
        }
        return change.result();
    }

    /** Returns whether there is nobody else who would make the change. */
    private synchronized boolean add(Change<?> change) {
        waiting.add(change);
        boolean first = !led;
        led = true;
        return first;
    }

    private synchronized List<Change<?>> take() {
        List<Change<?>> taken = waiting;
        waiting = new ArrayList<>();
        return taken;
    }

    private synchronized void handOver() {
        led = !waiting.isEmpty();
        if (led) {
            waiting.get(0).turn.countDown();
        }
    }

    private void lead() {
        List<Change<?>> changes = take();
        try {
            commit(changes);
        } catch (RuntimeException | Error e) {
            changes.forEach(change -> change.failure = e);
        } finally {
            handOver();
            changes.forEach(Change::end);
        }
    }

    private void commit(List<Change<?>> changes) {
        if (handle.isInTransaction()) {
            // A rollback failed, and what is written now would be taken for a part of that transaction.
            // In this order: if none can be opened now, the next change tries again.
            Handle broken = handle;
            handle = connections.get();
            broken.close();
        }
        boolean[] written = {false};
        try {
            handle.useTransaction(transaction -> {
                if (changes.size() == 1) {
                    changes.get(0).make(transaction);
                } else {
                    changes.forEach(change -> makeApart(transaction, change));
                }
                written[0] = true;
            });
        } catch (JdbiException e) {
            throw written[0] ? new CommitException(e) : e;
        }
    }

    /** If the transaction is gone, there is no savepoint to go back to, which fails the whole commit. */
    private static void makeApart(Handle transaction, Change<?> change) {
        transaction.savepoint(SAVEPOINT);
        try {
            change.make(transaction);
            transaction.releaseSavepoint(SAVEPOINT);
        } catch (RuntimeException | Error e) {
            transaction.rollbackToSavepoint(SAVEPOINT);
            change.failure = e;
        }
    }

    /** Closes the connection after the changes that wait. */
    @Override
    public void close() {
        if (handle.isClosed()) {
            return;
        }
        try {
            make(transaction -> handle);
        } finally {
            handle.close();
        }
    }
}
