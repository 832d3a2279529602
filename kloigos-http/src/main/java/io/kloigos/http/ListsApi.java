package io.kloigos.http;

import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import io.javalin.http.HttpStatus;
import io.kloigos.Kloigos;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.IdempotencyKey;
import io.kloigos.model.Operation;
import io.kloigos.model.OperationFilter;
import io.kloigos.model.OperationPlace;
import io.kloigos.model.Server;
import io.kloigos.model.ServerFilter;
import io.kloigos.model.ServerStatus;
import io.kloigos.model.SshEndpoint;
import io.kloigos.model.Tenant;
import io.kloigos.model.UnitFilter;
import io.kloigos.model.UnitPlace;
import io.kloigos.model.UnitStatus;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What the addresses of all units, of all servers and of all operations do. Of units and servers they answer with everything, or
 * page by page, and do not answer again with what the client has; of operations always page by page. Thread-safe.
 */
final class ListsApi {
    private static final int OPERATIONS_ON_A_PAGE = 100;
    private static final JsonType<String> LOWER_CASE = JsonType.text(text -> text.toLowerCase(Locale.ROOT));

    private final Kloigos kloigos;
    private final HttpSettings settings;
    private final Answers answers;
    private final String format;

    /**
     * The lists of a fleet.
     *
     * @param document the API document: what it says of lists is a part of their names
     */
    ListsApi(Kloigos kloigos, HttpSettings settings, Answers answers, byte[] document) {
        this.kloigos = kloigos;
        this.settings = settings;
        this.answers = answers;
        this.format = EntityTag.of(List.of(new String(document, StandardCharsets.UTF_8)))
                .opaque();
    }

    void addTo(RoutesConfig routes) {
        Api.get(routes, "/api/compute_units", this::units);
        Api.get(routes, "/api/servers", this::servers);
        Api.get(routes, "/api/operations", this::operations);
    }

    /**
     * What is asked for.
     *
     * @param after the place after which the list begins; null for the beginning
     * @param limit how long a page is; null for all that follows
     */
    private record Page<T>(@Nullable T after, @Nullable Integer limit) {
        static <T> Page<T> of(JsonFields query, JsonType<T> place, T placeholder) {
            return new Page<>(
                    query.optional("after", place, placeholder),
                    query.optional("limit", JsonType.text(Api::limit), null));
        }
    }

    private record Units(UnitFilter filter, Page<UnitPlace> page) {}

    private void units(Context context) throws IOException {
        RequestReader reader = new RequestReader(context);
        Optional<Units> query = reader.query(fields ->
                new Units(filter(fields), Page.of(fields, JsonType.text(UnitPlace::parse), new UnitPlace("host", 0))));
        reader.finish();
        if (isKnown(context)) {
            return;
        }
        Units asked = query.orElseThrow();
        UnitPlace after = asked.page().after();
        Integer limit = asked.page().limit();
        Kloigos fleet = answers.fleet(context);
        Stream<ComputeUnit> units = limit == null
                ? fleet.streamUnits(asked.filter(), after)
                : page(context, fleet.unitsAfter(asked.filter(), after, limit + 1), limit, UnitPlace::of);
        Map<String, SshEndpoint> endpoints = kloigos.sshEndpoints();
        UnitResponses responses = new UnitResponses();
        answers.sendAll(context, units.map(unit -> {
            SshEndpoint endpoint = endpoints.getOrDefault(unit.hostname(), SshEndpoint.UNKNOWN);
            return responses.of(unit, endpoint.portOr(settings.sshPort()), endpoint.hostKey());
        }));
    }

    private static OperationFilter operationFilter(JsonFields query) {
        return new OperationFilter(
                query.optional("compute_id", LOWER_CASE, null),
                query.optional("hostname", LOWER_CASE, null),
                query.optional("kind", JsonType.text(Operation.Kind::parse), null),
                query.optional("state", JsonType.text(Operation.State::parse), null),
                query.optional("owner", JsonType.text(Tenant::new), null));
    }

    private static UnitFilter filter(JsonFields query) {
        return new UnitFilter(
                query.optional("compute_id", LOWER_CASE, null),
                query.optional("hostname", LOWER_CASE, null),
                query.optional("region", JsonType.text(), null),
                query.optional("zone", JsonType.text(), null),
                query.optional("cpu_count", JsonType.text(RequestReader::integer), null),
                query.optional("deployment_id", JsonType.text(), null),
                query.optional("status", JsonType.text(UnitStatus::parse), null),
                query.optional("owner", JsonType.text(Tenant::new), null));
    }

    private record Servers(ServerFilter filter, Page<String> page) {}

    private static ServerFilter serverFilter(JsonFields query) {
        return new ServerFilter(
                query.optional("region", JsonType.text(), null),
                query.optional("zone", JsonType.text(), null),
                query.optional("status", JsonType.text(ServerStatus::parse), null));
    }

    private void servers(Context context) throws IOException {
        RequestReader reader = new RequestReader(context);
        Optional<Servers> query =
                reader.query(fields -> new Servers(serverFilter(fields), Page.of(fields, JsonType.text(), "")));
        reader.finish();
        if (isKnown(context)) {
            return;
        }
        Servers asked = query.orElseThrow();
        String after = Objects.requireNonNullElse(asked.page().after(), "");
        Integer limit = asked.page().limit();
        Stream<Server> servers = limit == null
                ? kloigos.serversAfter(asked.filter(), after, Integer.MAX_VALUE).stream()
                : page(context, kloigos.serversAfter(asked.filter(), after, limit + 1), limit, Server::hostname);
        answers.sendAll(context, servers.map(answers::response));
    }

    /** Which operations are asked for. */
    private record Operations(
            OperationFilter filter,
            Page<OperationPlace> page,
            @Nullable String idempotencyKey) {}

    // Without a name: not every change of an operation is one of the inventory's version, its beginning for instance.
    private void operations(Context context) throws IOException {
        RequestReader reader = new RequestReader(context);
        Optional<Operations> query = reader.query(fields -> new Operations(
                operationFilter(fields),
                Page.of(fields, JsonType.text(OperationPlace::parse), new OperationPlace(Instant.EPOCH, "id")),
                fields.optional("idempotency_key", JsonType.text(IdempotencyKey::valid), null)));
        reader.finish();
        Operations asked = query.orElseThrow();
        OperationPlace after = asked.page().after();
        int limit = Objects.requireNonNullElse(asked.page().limit(), OPERATIONS_ON_A_PAGE);
        Kloigos fleet = answers.fleet(context);
        Stream<Operation> operations = asked.idempotencyKey() == null
                ? page(context, fleet.operationsAfter(asked.filter(), after, limit + 1), limit, OperationPlace::of)
                : fleet.operationOf(asked.idempotencyKey()).stream();
        answers.sendAll(context, operations.map(OperationResponse::withoutSteps));
    }

    /**
     * Returns a page, and tells where the next one is, if there is one.
     *
     * @param found the page and, if there is more, one thing after it
     * @see <a href="https://www.rfc-editor.org/rfc/rfc8288">RFC 8288, Web Linking</a>
     */
    private static <T> Stream<T> page(Context context, List<T> found, int limit, Function<T, Object> place) {
        if (found.size() > limit) {
            String last = place.apply(found.get(limit - 1)).toString();
            context.header("Link", "<" + context.path() + "?" + queryAfter(context, last) + ">; rel=\"next\"");
        }
        return found.stream().limit(limit);
    }

    private static String queryAfter(Context context, String place) {
        List<String> parameters = new ArrayList<>();
        context.queryParamMap().forEach((name, values) -> {
            if (!name.equals("after")) {
                parameters.add(parameter(name, values.get(0)));
            }
        });
        parameters.add(parameter("after", place));
        return String.join("&", parameters);
    }

    private static String parameter(String name, String value) {
        return name + "=" + URLEncoder.encode(value, StandardCharsets.UTF_8).replace("+", "%20");
    }

    /** Names the answer, if that is possible now, and tells whether the client has it; then that is the whole answer. */
    private boolean isKnown(Context context) {
        Optional<EntityTag> tag = kloigos.version().map(version -> tag(context, version));
        tag.ifPresent(now -> context.header("ETag", now.toString()));
        Stream<String> known = Collections.list(context.req().getHeaders("If-None-Match")).stream();
        if (tag.isEmpty() || !tag.get().isAmong(known)) {
            return false;
        }
        context.status(HttpStatus.NOT_MODIFIED);
        return true;
    }

    /** What an answer is made of: the inventory, what it is written as, what was asked for, for whom, and what stands for null. */
    private EntityTag tag(Context context, String version) {
        Tenant tenant = Gate.caller(context).tenant();
        return EntityTag.of(List.of(
                version,
                format,
                context.path() + "?" + context.queryString(),
                tenant == null ? "" : tenant.name(),
                settings.sshUser(),
                Integer.toString(settings.sshPort())));
    }
}
