package io.kloigos;

/** Told of events, on the thread that caused them: it must return soon, and what it throws is logged and ignored. */
@FunctionalInterface
public interface KloigosListener {
    /** Something has happened. */
    void happened(Event event);
}
