package io.kloigos.command;

import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/** A setting of {@code kloigos serve}, under its three names. */
enum Setting {
    LISTEN,
    DATABASE,
    DRIVER,
    FLEET,
    FAKE_LATENCY,
    DRIFT_POLICY,
    DRIFT_EVERY,
    SSH_USER,
    SSH_PORT,
    SSH_KEY,
    KNOWN_HOSTS,
    TLS_CERT,
    TLS_KEY,
    PUBLIC_URL,
    OIDC_ISSUER,
    OIDC_AUDIENCE,
    OIDC_ROLES_CLAIM,
    OIDC_TENANT_CLAIM,
    RATE_LIMIT,
    EVENT_STREAMS,
    EVENT_STREAMS_TOTAL,
    AUDIT_KEEP,
    OPERATIONS_KEEP,
    EXPIRY_NOTICE,
    LEASE,
    SHUTDOWN_DELAY,
    FIRST_UID,
    FIRST_PORT,
    PORTS_PER_UNIT,
    CONFIG;

    /** Returns its name on the command line, e.g. {@code --ssh-port}. */
    String option() {
        return "--" + key().replace('_', '-');
    }

    /** Returns its name in the environment, e.g. {@code KLOIGOS_SSH_PORT}. */
    String variable() {
        return "KLOIGOS_" + name();
    }

    /** Returns its name in the configuration file, e.g. {@code ssh_port}. */
    String key() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Returns every setting by one of its names. */
    static Map<String, Setting> by(Function<Setting, String> name) {
        return Arrays.stream(values()).collect(Collectors.toMap(name, Function.identity()));
    }
}
