package io.kloigos.model;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What makes a request safe to repeat: a second request with the same key begins nothing but is answered for the first. A key
 * is known for as long as the operation that it began, at least 24 hours.
 *
 * @param value the caller's own text, e.g. a random UUID: 1 to 255 printable ASCII characters
 * @param fingerprint tells requests apart; a key that was used for another request is refused
 * @param owner the tenant whose key it is; each has keys of its own
 */
public record IdempotencyKey(
        String value, String fingerprint, @Nullable Tenant owner) {
    public IdempotencyKey {
        Objects.requireNonNull(fingerprint);
        value = valid(value);
    }

    /**
     * Returns {@code text} if a key may be so.
     *
     * @throws KloigosException INVALID_REQUEST
     */
    public static String valid(String text) {
        if (!text.matches("[\\x21-\\x7e]{1,255}")) {
            throw KloigosException.invalid(
                    "idempotency_key", "an idempotency key has 1 to 255 printable ASCII characters and no spaces");
        }
        return text;
    }

    /**
     * Returns the key {@code value} for a request.
     *
     * @param request what is asked for; two requests are the same if this is equal
     * @throws KloigosException INVALID_REQUEST if {@code value} is no key
     */
    public static IdempotencyKey of(String value, Object request) {
        return new IdempotencyKey(value, Sha256.of(request.toString()).hex(), null);
    }

    /** Returns this key as one of that tenant's. */
    public IdempotencyKey ownedBy(@Nullable Tenant tenant) {
        return new IdempotencyKey(value, fingerprint, tenant);
    }

    /** Returns what no other tenant's key is equal to: no part of it has spaces. */
    public String unique() {
        return owner == null ? value : owner + " " + value;
    }
}
