package io.kloigos.model;

/** What happens if units are in tenants' hands. */
public enum Tenants {
    /** The server is not given back. */
    REFUSE,
    /** Their tenants are ended and erased. */
    EVICT
}
