package io.kloigos.http;

import io.kloigos.model.Role;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Who may do what, by method and path as the API document names them. What has no rule nobody may do. That a tenant meets only
 * what is its own is not said here: see {@link Gate}.
 */
final class AccessRules {
    private static final Set<Role> ADMINS = EnumSet.of(Role.ADMIN);
    private static final Set<Role> OPERATORS = EnumSet.of(Role.ADMIN, Role.OPERATOR);
    private static final Set<Role> OPERATORS_AND_TENANTS = EnumSet.of(Role.ADMIN, Role.OPERATOR, Role.TENANT);
    private static final Set<Role> OBSERVERS = EnumSet.of(Role.ADMIN, Role.OPERATOR, Role.READ_ONLY);
    private static final Set<Role> EVERYBODY = EnumSet.allOf(Role.class);

    /** What needs no login: the health check, and logging in. */
    private static final Set<String> PUBLIC =
            Set.of("GET /healthz", "GET /api/healthz", "GET /api/session", "POST /api/session", "DELETE /api/session");

    static final String EVENTS = "GET /api/events";

    private static final String ALLOCATE = "POST /api/compute_units/allocate";

    private static final Map<String, Set<Role>> RULES = new HashMap<>();

    static {
        RULES.put("GET /metrics", OBSERVERS);

        RULES.put("GET /api/openapi.json", EVERYBODY);
        RULES.put(EVENTS, EVERYBODY);

        RULES.put("GET /api/compute_units", EVERYBODY);
        RULES.put("GET /api/compute_units/{compute_id}", EVERYBODY);
        RULES.put("GET /api/compute_units/{compute_id}/drift", EVERYBODY);
        RULES.put("GET /api/compute_units/{compute_id}/usage", EVERYBODY);
        RULES.put(ALLOCATE, OPERATORS_AND_TENANTS);
        RULES.put("DELETE /api/compute_units/deallocate/{compute_id}", OPERATORS_AND_TENANTS);
        RULES.put("PUT /api/compute_units/{compute_id}/ssh_keys", OPERATORS_AND_TENANTS);
        RULES.put("PUT /api/compute_units/{compute_id}/tags", OPERATORS_AND_TENANTS);
        RULES.put("PUT /api/compute_units/{compute_id}/expires_at", OPERATORS_AND_TENANTS);
        RULES.put("POST /api/compute_units/{compute_id}/stop", OPERATORS_AND_TENANTS);
        RULES.put("POST /api/compute_units/{compute_id}/start", OPERATORS_AND_TENANTS);
        RULES.put("PATCH /api/compute_units/{compute_id}/limits", OPERATORS);
        RULES.put("POST /api/compute_units/{compute_id}/withdraw", OPERATORS);
        RULES.put("POST /api/compute_units/{compute_id}/put_back", OPERATORS);

        // It tells the next tenant what the last one left.
        RULES.put("GET /api/compute_units/{compute_id}/certificate", OBSERVERS);
        RULES.put("POST /api/compute_units/{compute_id}/force_release", OPERATORS);

        RULES.put("GET /api/operations", EVERYBODY);
        RULES.put("GET /api/operations/{id}", EVERYBODY);
        // Some are an operator's against the tenant's will: an eviction, smaller limits.
        RULES.put("POST /api/operations/{id}/cancel", OPERATORS);
        RULES.put("POST /api/operations/{id}/retry", OPERATORS);

        RULES.put("GET /api/servers", OBSERVERS);
        RULES.put("GET /api/servers/{hostname}", OBSERVERS);
        RULES.put("GET /api/drift", OBSERVERS);
        RULES.put("GET /api/servers/{hostname}/drift", OBSERVERS);
        RULES.put("POST /api/servers/{hostname}/repair", OPERATORS);
        RULES.put("POST /api/servers/{hostname}/cordon", OPERATORS);
        RULES.put("POST /api/servers/{hostname}/uncordon", OPERATORS);
        RULES.put("POST /api/servers/{hostname}/drain", OPERATORS);
        // Nobody can tell afterwards what tenants left on the host.
        RULES.put("POST /api/servers/{hostname}/forget", ADMINS);
        RULES.put("POST /api/admin/init_server", OPERATORS);
        RULES.put("DELETE /api/admin/decommission_server/{hostname}", OPERATORS);

        RULES.put("GET /api/audit", OBSERVERS);
        RULES.put("GET /api/tokens", EnumSet.of(Role.ADMIN, Role.READ_ONLY));
        RULES.put("POST /api/tokens", ADMINS);
        RULES.put("DELETE /api/tokens/{token_id}", ADMINS);
    }

    private AccessRules() {}

    /** Tells whether no login is needed, as for all that is not of the API and has no rule. */
    static boolean isPublic(String route) {
        return PUBLIC.contains(route) || (!route.contains(" /api/") && !RULES.containsKey(route));
    }

    /**
     * Tells whether it is answered from memory: pages, and whether the server can take work. These are not counted, so that nobody
     * who shares an address with many is left with half a page, and no load balancer takes a server that is well for a dead one.
     */
    static boolean isFromMemory(String route) {
        return isPublic(route) && !route.contains(" /api/");
    }

    /** Returns who may do this. */
    static Set<Role> of(String route) {
        return RULES.getOrDefault(route, Set.of());
    }

    /** Returns what somebody with the role may do, in alphabetical order. */
    static List<String> allowed(Role role) {
        return RULES.entrySet().stream()
                .filter(rule -> rule.getValue().contains(role))
                .map(Map.Entry::getKey)
                .sorted()
                .toList();
    }

    /** Tells whether somebody with the role may see what would be done on a host. */
    static boolean mayDryRun(Role role) {
        return OPERATORS.contains(role);
    }

    /** Tells whether they may do so in this way. Of an allocation whoever may do it is told as much as is theirs to know. */
    static boolean mayDryRun(Role role, String route) {
        return mayDryRun(role) || route.equals(ALLOCATE);
    }

    /** Tells whether there is a rule. */
    static boolean has(String route) {
        return isPublic(route) || RULES.containsKey(route);
    }
}
