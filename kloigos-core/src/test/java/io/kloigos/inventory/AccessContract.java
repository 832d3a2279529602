package io.kloigos.inventory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kloigos.fixture.SampleFleet;
import io.kloigos.inventory.Sessions.Session;
import io.kloigos.model.ApiToken;
import io.kloigos.model.AuditEntry;
import io.kloigos.model.AuditEntry.Outcome;
import io.kloigos.model.AuditFilter;
import io.kloigos.model.Caller;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.KloigosException;
import io.kloigos.model.Role;
import io.kloigos.model.Tenant;
import io.kloigos.model.TokenSecret;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What is kept of those who ask over the network, in whatever database. */
abstract class AccessContract {
    static final Instant NOON = SampleFleet.NOON;
    static final TokenSecret FIRST = secret(1);
    static final TokenSecret SECOND = secret(2);

    Inventory inventory;
    Access access;

    abstract Inventory openInventory();

    /** Opens what the command opens, beside the inventory. */
    abstract Access openBeside();

    @BeforeEach
    void open() {
        inventory = openInventory();
        access = inventory.access();
    }

    @AfterEach
    void close() {
        inventory.close();
    }

    static TokenSecret secret(int seed) {
        byte[] bytes = new byte[TokenSecret.BYTES];
        bytes[0] = (byte) seed;
        bytes[TokenSecret.BYTES - 1] = (byte) seed;
        return TokenSecret.of(bytes);
    }

    static ApiToken token(TokenSecret secret, String name, Role role, @Nullable Instant expiresAt) {
        Tenant tenant = role == Role.TENANT ? new Tenant("acme") : null;
        return new ApiToken(secret.id(), name, role, tenant, "me", NOON, expiresAt, null, null);
    }

    private static ErrorCode code(Throwable refusal) {
        return ((KloigosException) refusal).code();
    }

    @Test
    void aTokenIsOpenedByItsSecretAndByNoOther() {
        assertThat(access.tokens().areInUse()).isFalse();
        ApiToken token = token(FIRST, "ci", Role.TENANT, null);
        access.tokens().add(token, FIRST);

        assertThat(access.tokens().areInUse()).isTrue();
        assertThat(access.tokens().open(FIRST, NOON)).contains(token);
        assertThat(access.tokens().get(FIRST.id()).lastUsedAt()).isEqualTo(NOON);
        assertThat(access.tokens().open(new TokenSecret(FIRST.id(), SECOND.random()), NOON))
                .isEmpty();
        assertThat(access.tokens().open(SECOND, NOON)).isEmpty();
        assertThat(access.tokens().all()).extracting(ApiToken::name).containsExactly("ci");
    }

    @Test
    void useIsNotedOnceAMinute() {
        access.tokens().add(token(FIRST, "ci", Role.ADMIN, null), FIRST);
        access.tokens().open(FIRST, NOON);
        access.tokens().open(FIRST, NOON.plusSeconds(50));
        assertThat(access.tokens().get(FIRST.id()).lastUsedAt()).isEqualTo(NOON);
        access.tokens().open(FIRST, NOON.plusSeconds(70));
        assertThat(access.tokens().get(FIRST.id()).lastUsedAt()).isEqualTo(NOON.plusSeconds(70));
    }

    @Test
    void aTokenIsRefusedFromItsEndOn() {
        access.tokens().add(token(FIRST, "ci", Role.ADMIN, NOON.plusSeconds(60)), FIRST);

        assertThat(access.tokens().open(FIRST, NOON.plusSeconds(59))).isPresent();
        assertThat(access.tokens().open(FIRST, NOON.plusSeconds(60))).isEmpty();
        assertThat(access.tokens().areInUse()).isTrue();
    }

    @Test
    void aRevokedTokenIsRefusedAtOnceWithItsSessions() {
        ApiToken token = token(FIRST, "ci", Role.OPERATOR, null);
        access.tokens().add(token, FIRST);
        Session session = new Session(token.caller(), NOON.plusSeconds(100));
        access.sessions().begin(session, SECOND);
        assertThat(access.sessions().open(SECOND, NOON)).contains(session);

        assertThat(access.tokens().revoke(FIRST.id(), NOON).revokedAt()).isEqualTo(NOON);

        assertThat(access.tokens().open(FIRST, NOON)).isEmpty();
        assertThat(access.sessions().open(SECOND, NOON)).isEmpty();
        access.sessions().begin(session, secret(3));
        assertThat(access.sessions().open(secret(3), NOON))
                .as("a session that began while its token was revoked")
                .isEmpty();
        assertThat(access.tokens().areInUse()).as("the server stays closed").isTrue();
        assertThatThrownBy(() -> access.tokens().revoke(FIRST.id(), NOON))
                .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.WRONG_STATE));
        assertThatThrownBy(() -> access.tokens().revoke("0000000000000000", NOON))
                .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.NOT_FOUND));
    }

    @Test
    void aNameIsFreeAgainWhenItsTokenIsRevoked() {
        access.tokens().add(token(FIRST, "ci", Role.ADMIN, null), FIRST);
        assertThatThrownBy(() -> access.tokens().add(token(SECOND, "ci", Role.TENANT, null), SECOND))
                .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.WRONG_STATE))
                .hasMessageContaining("named ci");
        access.tokens().revoke(FIRST.id(), NOON);
        access.tokens().add(token(SECOND, "ci", Role.TENANT, null), SECOND);

        assertThat(access.tokens().all()).hasSize(2);
        assertThat(access.tokens().open(SECOND, NOON).orElseThrow().caller())
                .isEqualTo(new Caller("ci", Role.TENANT, new Tenant("acme"), SECOND.id()));
    }

    @Test
    void aSessionEnds() {
        Session session = new Session(new Caller("oidc:7", Role.READ_ONLY, null, null), NOON.plusSeconds(100));
        access.sessions().begin(session, FIRST);

        assertThat(access.sessions().open(FIRST, NOON)).contains(session);
        assertThat(access.sessions().open(new TokenSecret(FIRST.id(), SECOND.random()), NOON))
                .isEmpty();
        assertThat(access.sessions().open(FIRST, NOON.plusSeconds(100))).isEmpty();
        access.sessions().end(FIRST);
        assertThat(access.sessions().open(FIRST, NOON)).isEmpty();
    }

    @Test
    void theCommandSeesAndChangesWhatTheServerHas() {
        try (Access beside = openBeside()) {
            beside.tokens().add(token(FIRST, "first", Role.ADMIN, null), FIRST);
            assertThat(access.tokens().open(FIRST, NOON)).isPresent();
            beside.tokens().revoke(FIRST.id(), NOON);
            assertThat(access.tokens().open(FIRST, NOON)).isEmpty();
        }
        assertThat(access.tokens().all()).hasSize(1);
    }

    // The audit log

    private static AuditEntry entry(
            int minute, String who, @Nullable Role role, String action, @Nullable String target, Outcome outcome) {
        return new AuditEntry(
                0,
                NOON.plus(Duration.ofMinutes(minute)),
                who,
                role,
                null,
                "192.0.2.1",
                "r" + minute,
                null,
                action,
                target,
                null,
                null,
                outcome,
                null);
    }

    private List<String> requests(AuditFilter filter) {
        return access.auditLog().find(filter, null, 100).stream()
                .map(AuditEntry::requestId)
                .toList();
    }

    @Test
    void anEntryIsWrittenBeforeAndEndedAfter() {
        AuditEntry begun = new AuditEntry(
                0,
                NOON,
                "ci",
                Role.TENANT,
                "0123456789abcdef",
                "192.0.2.1",
                "r1",
                "key",
                "stop",
                "host1_4-7",
                null,
                null,
                Outcome.BEGUN,
                null);
        long number = access.auditLog().add(begun);
        AuditEntry written = access.auditLog().find(AuditFilter.all(), null, 1).get(0);
        assertThat(written.number()).isEqualTo(number);
        assertThat(written).usingRecursiveComparison().ignoringFields("number").isEqualTo(begun);

        AuditEntry ended = written.ended(Outcome.SUCCEEDED, "host1_4-7", "{\"a\":1}", "{\"a\":2}", null);
        access.auditLog().end(ended);
        assertThat(access.auditLog().find(AuditFilter.all(), null, 1)).containsExactly(ended);
    }

    @Test
    void entriesAreFoundByEverythingAndInPages() {
        access.auditLog().add(entry(1, "ann", Role.ADMIN, "initServer", "host1", Outcome.SUCCEEDED));
        access.auditLog().add(entry(2, "bob", Role.TENANT, "allocate", "host1_4-7", Outcome.FAILED));
        access.auditLog().add(entry(3, "", null, "units", null, Outcome.REFUSED));
        AuditFilter all = AuditFilter.all();

        assertThat(requests(all)).containsExactly("r3", "r2", "r1");
        assertThat(requests(new AuditFilter("bob", null, null, null, null, null, null, null, null)))
                .containsExactly("r2");
        assertThat(requests(new AuditFilter(null, Role.ADMIN, null, null, null, null, null, null, null)))
                .containsExactly("r1");
        assertThat(requests(new AuditFilter(null, null, null, "initServer", null, null, null, null, null)))
                .containsExactly("r1");
        assertThat(requests(new AuditFilter(
                        null, null, null, null, null, NOON.plusSeconds(120), NOON.plusSeconds(180), null, null)))
                .containsExactly("r2");
        assertThat(requests(new AuditFilter(null, null, null, null, null, null, null, Outcome.REFUSED, null)))
                .containsExactly("r3");
        assertThat(requests(all.without(Role.ADMIN))).containsExactly("r3", "r2");

        List<AuditEntry> first = access.auditLog().find(all, null, 2);
        assertThat(access.auditLog().find(all, first.get(1).number(), 2))
                .extracting(AuditEntry::requestId)
                .containsExactly("r1");
    }

    @Test
    void namesAndAddressesAreFoundByHowTheyBegin() {
        access.auditLog().add(entry(1, "acme-ci", Role.TENANT, "allocate", "host1_4-7", Outcome.SUCCEEDED));
        access.auditLog().add(entry(2, "acme", Role.TENANT, "cordon", "host1", Outcome.REFUSED));
        access.auditLog().add(entry(3, "Acme", Role.TENANT, "cordon", "host2", Outcome.REFUSED));
        access.auditLog().add(entry(4, "ac%", Role.TENANT, "allocate", null, Outcome.FAILED));

        assertThat(requests(who("acme"))).containsExactly("r2", "r1");
        assertThat(requests(who("acme-"))).containsExactly("r1");
        assertThat(requests(who("ac%"))).as("no pattern").containsExactly("r4");
        assertThat(requests(who("me"))).isEmpty();
        assertThat(requests(target("host1"))).as("the server and its units").containsExactly("r2", "r1");
        assertThat(requests(target("host1_"))).as("its units").containsExactly("r1");
        assertThat(requests(target("host"))).containsExactly("r3", "r2", "r1");
        assertThat(requests(address("192.0.2."))).hasSize(4);
        assertThat(requests(address("192.0.3."))).isEmpty();
        assertThat(requests(who(""))).hasSize(4);
    }

    private static AuditFilter who(String start) {
        return new AuditFilter(start, null, null, null, null, null, null, null, null);
    }

    private static AuditFilter target(String start) {
        return new AuditFilter(null, null, null, null, start, null, null, null, null);
    }

    private static AuditFilter address(String start) {
        return new AuditFilter(null, null, start, null, null, null, null, null, null);
    }

    @Test
    void whatIsOldIsForgotten() {
        access.auditLog().add(entry(1, "ann", Role.ADMIN, "initServer", "host1", Outcome.SUCCEEDED));
        access.auditLog().add(entry(2, "ann", Role.ADMIN, "initServer", "host2", Outcome.SUCCEEDED));
        access.sessions().begin(new Session(new Caller("ann", Role.ADMIN, null, null), NOON.plusSeconds(1)), FIRST);
        access.forget(NOON.plusSeconds(2), NOON.plusSeconds(120));

        assertThat(requests(AuditFilter.all())).containsExactly("r2");
        assertThat(access.sessions().open(FIRST, NOON)).isEmpty();
    }
}
