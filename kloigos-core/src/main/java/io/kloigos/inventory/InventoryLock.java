package io.kloigos.inventory;

import io.kloigos.model.ErrorCode;
import io.kloigos.model.KloigosException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Keeps other processes, and others in this one, from an inventory's file. SQLite's own locks last for a transaction only. This
 * one goes with the process, however it ends.
 */
final class InventoryLock implements AutoCloseable {
    /**
     * The lock files that this process holds. To open one of them anew would be enough to lose it: a lock of fcntl(2) ends when
     * its process closes any descriptor of the file.
     */
    private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

    private final Path path;
    private final FileChannel channel;

    private InventoryLock(Path path, FileChannel channel) {
        this.path = path;
        this.channel = channel;
    }

    /** Takes the lock of an inventory; returns nothing if somebody has it. */
    static Optional<InventoryLock> take(Path inventory) throws IOException {
        Path path = made(Path.of(inventory + ".lock")).toRealPath();
        if (!HELD.add(path)) {
            return Optional.empty();
        }
        @Nullable InventoryLock taken = null;
        try {
            taken = open(path);
        } finally {
            if (taken == null) {
                HELD.remove(path);
            }
        }
        return Optional.ofNullable(taken);
    }

    private static Path made(Path path) throws IOException {
        try {
            return Files.createFile(path);
        } catch (FileAlreadyExistsException e) {
            return path;
        }
    }

    private static @Nullable InventoryLock open(Path path) throws IOException {
        FileChannel channel = FileChannel.open(path, StandardOpenOption.WRITE);
        @Nullable FileLock lock = channel.tryLock();
        if (lock == null) {
            channel.close();
            return null;
        }
        return new InventoryLock(path, channel);
    }

    /** @throws KloigosException STORE_FAILED if that cannot be */
    @Override
    public void close() {
        try {
            channel.close();
            HELD.remove(path);
        } catch (IOException e) {
            throw new KloigosException(
                    ErrorCode.STORE_FAILED, "Cannot release the lock of the inventory: " + e.getMessage(), e);
        }
    }
}
