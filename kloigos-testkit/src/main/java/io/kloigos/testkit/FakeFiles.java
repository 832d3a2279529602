package io.kloigos.testkit;

import io.kloigos.model.ByteSize;
import io.kloigos.model.HostFacts;
import io.kloigos.spi.Step.Access;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The directory tree of one host, with its mounts. Guarded by the host. */
final class FakeFiles {
    private static final int MOST_SYMLINKS = 40;

    /**
     * A file, directory or symbolic link. Texts and names are interned: on the hosts of a fleet most are the same, and so a
     * host takes a few ten kilobytes.
     */
    static final class Node {
        final @Nullable Map<String, Node> entries;
        final boolean link;
        String text;
        int uid;
        int gid;
        int mode;
        int project;

        private Node(@Nullable Map<String, Node> entries, boolean link, String text, Access access) {
            this.entries = entries;
            this.link = link;
            this.text = text.intern();
            set(access);
        }

        static Node directory(Access access) {
            return new Node(new TreeMap<>(), false, "", access);
        }

        static Node file(String text, Access access) {
            return new Node(null, false, text, access);
        }

        static Node link(String target, int uid) {
            return new Node(null, true, target, new Access(uid, 0777));
        }

        boolean isDirectory() {
            return entries != null;
        }

        boolean isFile() {
            return entries == null && !link;
        }

        boolean has(Access access) {
            return uid == access.uid() && gid == access.gid() && mode == access.mode();
        }

        void set(Access access) {
            uid = access.uid();
            gid = access.gid();
            mode = access.mode();
        }

        Map<String, Node> list() {
            if (entries == null) {
                throw new Refused("Not a directory");
            }
            return entries;
        }
    }

    /** A file system in the tree; the newest is last. */
    static final class Mounted {
        final String point;
        final Node root;
        HostFacts.Mount facts;
        final int owner;
        final @Nullable Node hidden;

        private Mounted(String point, Node root, HostFacts.Mount facts, int owner, @Nullable Node hidden) {
            this.point = point;
            this.root = root;
            this.facts = facts;
            this.owner = owner;
            this.hidden = hidden;
        }
    }

    private Node root = Node.directory(Access.rootDirectory());
    private boolean full;
    private final List<Mounted> mounts = new ArrayList<>();

    List<Mounted> mounts() {
        return mounts;
    }

    /** Runs something while there is no room on any disk. */
    <T> T whileFull(Supplier<T> action) {
        full = true;
        try {
            return action.get();
        } finally {
            full = false;
        }
    }

    /** Refuses to write where there is no room. */
    void requireRoom(String path) {
        boolean inMemory = path.startsWith("/run/")
                || isOfKernel(path)
                || mountOf(path).facts.type().equals("tmpfs");
        if (full && !inMemory) {
            throw new Refused(path + ": No space left on device");
        }
    }

    /** Returns the file system that holds an absolute path without symbolic links. */
    Mounted mountOf(String path) {
        Mounted best = null;
        for (Mounted mount : mounts) {
            boolean inside = mount.point.equals("/") || path.equals(mount.point) || path.startsWith(mount.point + "/");
            if (inside && (best == null || mount.point.length() >= best.point.length())) {
                best = mount;
            }
        }
        if (best == null) {
            throw new IllegalStateException("nothing is mounted on /");
        }
        return best;
    }

    /** Returns the newest file system mounted exactly there. */
    @Nullable
    Mounted mountedOn(String point) {
        for (int i = mounts.size() - 1; i >= 0; i--) {
            if (mounts.get(i).point.equals(point)) {
                return mounts.get(i);
            }
        }
        return null;
    }

    void mount(String point, Node content, HostFacts.Mount facts, int owner) {
        Node hidden = null;
        if (point.equals("/")) {
            root = content;
        } else {
            hidden = directory(point);
            parentOf(point).list().put(lastOf(point), content);
        }
        mounts.add(new Mounted(point, content, facts, owner, hidden));
    }

    void unmount(Mounted mount) {
        if (mount.hidden == null) {
            throw new Refused("umount: " + mount.point + ": target is busy.");
        }
        parentOf(mount.point).list().put(lastOf(mount.point), mount.hidden);
        mounts.remove(mount);
    }

    /** Returns what is at the path, symbolic links followed, or null. */
    @Nullable
    Node find(String path) {
        return walk(path, true);
    }

    /** Returns what is at the path, a symbolic link at its end not followed, or null. */
    @Nullable
    Node findHere(String path) {
        return walk(path, false);
    }

    private @Nullable Node walk(String path, boolean followLast) {
        if (!path.startsWith("/")) {
            throw new Refused(path + ": not an absolute path");
        }
        Deque<String> rest = names(path);
        Deque<Node> above = new ArrayDeque<>();
        Node at = root;
        int links = 0;
        while (!rest.isEmpty()) {
            String name = rest.pop();
            if (at.entries == null) {
                return null;
            }
            if (name.equals("..")) {
                at = above.isEmpty() ? root : above.pop();
                continue;
            }
            Node next = at.entries.get(name);
            if (next == null) {
                return null;
            }
            if (next.link && (followLast || !rest.isEmpty())) {
                if (++links > MOST_SYMLINKS) {
                    throw new Refused(path + ": Too many levels of symbolic links");
                }
                if (next.text.startsWith("/")) {
                    above.clear();
                    at = root;
                }
                Deque<String> target = names(next.text);
                while (!target.isEmpty()) {
                    rest.push(target.pollLast());
                }
                continue;
            }
            above.push(at);
            at = next;
        }
        return at;
    }

    private static Deque<String> names(String path) {
        Deque<String> names = new ArrayDeque<>();
        int from = 0;
        while (from < path.length()) {
            int slash = path.indexOf('/', from);
            int end = slash < 0 ? path.length() : slash;
            if (end > from && !(end == from + 1 && path.charAt(from) == '.')) {
                names.add(path.substring(from, end));
            }
            from = end + 1;
        }
        return names;
    }

    static String lastOf(String path) {
        String trimmed = path.endsWith("/") ? path.substring(0, path.length() - 1) : path;
        return trimmed.substring(trimmed.lastIndexOf('/') + 1);
    }

    static String above(String path) {
        String trimmed = path.endsWith("/") ? path.substring(0, path.length() - 1) : path;
        int slash = trimmed.lastIndexOf('/');
        return slash <= 0 ? "/" : trimmed.substring(0, slash);
    }

    Node parentOf(String path) {
        Node parent = find(above(path));
        if (parent == null) {
            throw new Refused(path + ": No such file or directory");
        }
        if (!parent.isDirectory()) {
            throw new Refused(path + ": Not a directory");
        }
        return parent;
    }

    /** Returns the regular file at the path. */
    Node file(String path) {
        Node node = existing(path);
        if (!node.isFile()) {
            throw new Refused(path + ": Is a directory");
        }
        return node;
    }

    Node directory(String path) {
        Node node = existing(path);
        if (!node.isDirectory()) {
            throw new Refused(path + ": Not a directory");
        }
        return node;
    }

    Node existing(String path) {
        Node node = find(path);
        if (node == null) {
            throw new Refused(path + ": No such file or directory");
        }
        return node;
    }

    /** Refuses what cannot be a directory, before any of several is made. */
    void requirePlaceForDirectory(String path) {
        Node there = findHere(path);
        if (there == null) {
            parentOf(path);
        } else if (!there.isDirectory()) {
            throw new Refused(path + ": " + (there.link ? "Is a symbolic link" : "Not a directory"));
        }
    }

    boolean makeDirectory(String path, Access access) {
        requireWritable(path);
        requirePlaceForDirectory(path);
        Node there = findHere(path);
        if (there == null) {
            Node parent = parentOf(path);
            requireRoom(path);
            Node made = Node.directory(access);
            made.project = parent.project;
            parent.list().put(lastOf(path).intern(), made);
            return true;
        }
        boolean changed = !there.has(access);
        there.set(access);
        return changed;
    }

    boolean write(String path, String text, Access access) {
        requireWritable(path);
        Node parent = parentOf(path);
        Node there = parent.list().get(lastOf(path));
        if (there != null && there.isDirectory()) {
            throw new Refused(path + ": Is a directory");
        }
        if (there != null && there.isFile() && there.text.equals(text) && there.has(access)) {
            return false;
        }
        requireRoom(path);
        Node made = Node.file(text, access);
        made.project = parent.project;
        parent.list().put(lastOf(path).intern(), made);
        return true;
    }

    /** Writes into a file in place, or makes it: what a kernel or a daemon does. */
    void put(String path, String text, Access access) {
        requireRoom(path);
        Map<String, Node> entries = parentOf(path).list();
        Node there = entries.get(lastOf(path));
        if (there != null && there.isFile()) {
            there.text = text.intern();
        } else {
            entries.put(lastOf(path).intern(), Node.file(text, access));
        }
    }

    /** Makes a directory with everything above it. */
    Node makeAll(String path) {
        Node at = root;
        for (String name : names(path)) {
            at = at.list().computeIfAbsent(name.intern(), n -> Node.directory(Access.rootDirectory()));
        }
        return at;
    }

    boolean remove(String path) {
        requireWritable(path);
        if (findHere(path) == null) {
            return false;
        }
        requireUnmounted(path, path.equals("/") ? path : path + "/");
        if (mountedOn(path) != null) {
            throw new Refused("cannot remove '" + path + "': Device or resource busy");
        }
        parentOf(path).list().remove(lastOf(path));
        return true;
    }

    boolean empty(String path) {
        requireWritable(path);
        Node there = findHere(path);
        if (there == null) {
            return false;
        }
        if (!there.isDirectory()) {
            throw new Refused(path + ": Not a directory");
        }
        requireUnmounted(path, path + "/");
        boolean changed = !there.list().isEmpty();
        there.list().clear();
        return changed;
    }

    /** Like {@code rm --one-file-system}, which skips what is mounted below and then cannot remove the directory above. */
    private void requireUnmounted(String path, String prefix) {
        for (Mounted mount : mounts) {
            if (mount.point.startsWith(prefix)) {
                throw new Refused("skipping '" + mount.point + "', since it's on a different device\ncannot remove '"
                        + path + "': Device or resource busy");
            }
        }
    }

    private static void requireWritable(String path) {
        if (isOfKernel(path)) {
            throw new Refused(path + ": Operation not permitted");
        }
    }

    /** Tells whether a file is one that only the kernel makes. */
    static boolean isOfKernel(String path) {
        return path.startsWith("/proc/") || path.startsWith("/sys/");
    }

    /** Calls {@code visitor} with every path at or below {@code path} and what is there, symbolic links not followed. */
    void visit(String path, BiConsumer<String, Node> visitor) {
        Node node = findHere(path);
        if (node != null) {
            visit(path, node, visitor);
        }
    }

    private static void visit(String path, Node node, BiConsumer<String, Node> visitor) {
        visitor.accept(path, node);
        if (node.entries != null) {
            String prefix = path.endsWith("/") ? path : path + "/";
            new ArrayList<>(node.entries.entrySet())
                    .forEach(entry -> visit(prefix + entry.getKey(), entry.getValue(), visitor));
        }
    }

    static Node copy(Node node) {
        Node copy = node.isDirectory()
                ? Node.directory(new Access(0, node.mode))
                : node.link ? Node.link(node.text, 0) : Node.file(node.text, new Access(0, node.mode));
        if (node.entries != null && copy.entries != null) {
            for (Map.Entry<String, Node> entry : node.entries.entrySet()) {
                copy.entries.put(entry.getKey(), copy(entry.getValue()));
            }
        }
        return copy;
    }

    /** Returns the files of a directory whose names end so, by path in the order of their names. */
    Map<String, String> texts(String directory, String suffix) {
        Map<String, String> texts = new LinkedHashMap<>();
        Node node = find(directory);
        if (node != null && node.entries != null) {
            node.entries.forEach((name, entry) -> {
                if (entry.isFile() && name.endsWith(suffix)) {
                    texts.put(directory + "/" + name, entry.text);
                }
            });
        }
        return texts;
    }

    static HostFacts.Mount mountFacts(
            String point, String source, String type, Set<String> options, ByteSize size, ByteSize available) {
        return new HostFacts.Mount(point, source, type, options, size, available);
    }
}
