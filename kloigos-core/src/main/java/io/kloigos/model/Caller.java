package io.kloigos.model;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Somebody who asks over the network.
 *
 * @param subject who it is, as the audit log tells: a token's name, or what an identity provider calls them
 * @param role what they may do
 * @param tenant whose units they have; not null if the role is TENANT, and only then
 * @param tokenId the public id of the token by which they were recognised; null if by something else
 */
public record Caller(
        String subject,
        Role role,
        @Nullable Tenant tenant,
        @Nullable String tokenId) {
    public Caller {
        Objects.requireNonNull(subject);
        Objects.requireNonNull(role);
        if ((role == Role.TENANT) != (tenant != null)) {
            throw KloigosException.invalid(
                    "tenant", "is named for the role " + Role.TENANT + ", and for no other role");
        }
    }
}
