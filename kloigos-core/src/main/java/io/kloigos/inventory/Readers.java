package io.kloigos.inventory;

import java.sql.SQLException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.Semaphore;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jdbi.v3.core.ConnectionException;
import org.jdbi.v3.core.Handle;

/** A few connections for queries, opened when they are first needed. Safe for use by many threads. */
final class Readers implements AutoCloseable {
    private final Supplier<Handle> connections;
    private final Semaphore free;
    private final Deque<Handle> idle = new ArrayDeque<>();
    private boolean closed;

    Readers(Supplier<Handle> connections, int most) {
        this.connections = connections;
        this.free = new Semaphore(most, true);
    }

    <T> T read(Function<Handle, T> query) {
        free.acquireUninterruptibly();
        try {
            Handle handle = take();
            try {
                return query.apply(handle);
            } finally {
                giveBack(handle);
            }
        } finally {
            free.release();
        }
    }

    /** The one used last has its pages and statements still at hand. */
    private Handle take() {
        synchronized (idle) {
            if (closed) {
                throw new ConnectionException(new SQLException("the inventory is closed"));
            }
            if (!idle.isEmpty()) {
                return idle.pop();
            }
        }
        return connections.get();
    }

    private void giveBack(Handle handle) {
        synchronized (idle) {
            if (!closed) {
                idle.push(handle);
                return;
            }
        }
        handle.close();
    }

    /** Closes the connections, those in use as soon as they are given back. */
    @Override
    public void close() {
        synchronized (idle) {
            closed = true;
            idle.forEach(Handle::close);
            idle.clear();
        }
    }
}
