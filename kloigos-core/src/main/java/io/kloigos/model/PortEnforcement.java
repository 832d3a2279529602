package io.kloigos.model;

import java.util.Locale;

/** What keeps a unit from serving ports that are not its own. */
public enum PortEnforcement {
    /** nftables drops what the unit would answer from a foreign port. Programs notice nothing until a client connects. */
    NFTABLES,
    /**
     * In addition systemd refuses {@code bind(2)} of a port that is another unit's. Needs a systemd built with BPF, and is what
     * such a host gets by default.
     */
    SOCKET_BIND_RANGES,
    /**
     * In addition systemd refuses every {@code bind(2)} outside the range. Programs that bind port 0 before connecting fail
     * under it. Needs a systemd built with BPF.
     */
    SOCKET_BIND;

    /**
     * Returns the mode that {@code text} names.
     *
     * @throws KloigosException INVALID_REQUEST if there is none
     */
    public static PortEnforcement parse(String text) {
        for (PortEnforcement mode : values()) {
            if (mode.toString().equals(text)) {
                return mode;
            }
        }
        throw KloigosException.invalid(
                "port_enforcement",
                "\"" + text + "\" is none of \"nftables\", \"socket_bind_ranges\" and \"socket_bind\"");
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
