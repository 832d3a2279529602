package io.kloigos.model;

import java.util.Locale;
import java.util.Objects;

/**
 * Keeps units with the same value of a tag apart: a unit is given only where no other carries the value that the request has.
 * Units count from the moment they are claimed until they are taken back.
 *
 * @param tag the name of the tag
 * @param over what they must not share
 */
public record AntiAffinity(String tag, Scope over) {
    /** What units with the same value do not share. */
    public enum Scope {
        /** Each has a server of its own. */
        SERVER,
        /** Each has a zone of its own; zones of one name in two regions are two zones. */
        ZONE;

        /**
         * Returns the scope that {@code text} names, in lower case.
         *
         * @throws KloigosException INVALID_REQUEST if there is none
         */
        public static Scope parse(String text) {
            for (Scope scope : values()) {
                if (scope.toString().equals(text)) {
                    return scope;
                }
            }
            throw KloigosException.invalid("anti_affinity_over", "\"" + text + "\" is neither \"server\" nor \"zone\"");
        }

        /** Returns the name in lower case, as the API prints it. */
        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    public AntiAffinity {
        Objects.requireNonNull(tag);
        Objects.requireNonNull(over);
    }
}
