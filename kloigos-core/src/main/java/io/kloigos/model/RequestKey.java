package io.kloigos.model;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What makes a request to a fleet safe to repeat: all requests with the same key do together what one would.
 *
 * @param text the caller's own text: 1 to 255 printable ASCII characters without spaces, e.g. a random UUID; null if the request
 *     has none, and does something each time
 */
public record RequestKey(@Nullable String text) {
    private static final RequestKey NONE = new RequestKey(null);

    /** @throws KloigosException INVALID_REQUEST if no key may be so */
    public RequestKey {
        text = text == null ? null : IdempotencyKey.valid(text);
    }

    /**
     * Returns the key with this text.
     *
     * @throws KloigosException INVALID_REQUEST if no key may be so
     */
    public static RequestKey of(String text) {
        return new RequestKey(text);
    }

    /** Returns what a request has that does something each time. */
    public static RequestKey none() {
        return NONE;
    }

    /** Returns this key for a request of that tenant's; empty if there is none. */
    public Optional<IdempotencyKey> forRequest(Object request, @Nullable Tenant owner) {
        return Optional.ofNullable(text)
                .map(value -> IdempotencyKey.of(value, request).ownedBy(owner));
    }
}
