package io.kloigos.inventory;

import com.fasterxml.jackson.core.type.TypeReference;
import io.kloigos.model.ByteSize;
import io.kloigos.model.ComputeId;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.CpuSet;
import io.kloigos.model.DataVolume;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.HostAddress;
import io.kloigos.model.HostFacts;
import io.kloigos.model.KloigosException;
import io.kloigos.model.Operation;
import io.kloigos.model.PortRange;
import io.kloigos.model.Reason;
import io.kloigos.model.Server;
import io.kloigos.model.ServerStatus;
import io.kloigos.model.SshPublicKey;
import io.kloigos.model.Tags;
import io.kloigos.model.Tenancy;
import io.kloigos.model.Tenant;
import io.kloigos.model.UnitLimits;
import io.kloigos.model.UnitStatus;
import io.kloigos.model.Warning;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jdbi.v3.core.statement.StatementContext;
import org.jspecify.annotations.Nullable;

/** Rows of the database as values of the model. */
final class Rows {
    /** With nine digits after the point always, so that texts sort like times. */
    private static final DateTimeFormatter TIME =
            new DateTimeFormatterBuilder().appendInstant(9).toFormatter(Locale.ROOT);

    /** What is kept of servers, which have long texts: one of 256 CPUs takes a millisecond to parse. */
    private static final int MOST_OF_SERVERS = 64;

    private static final ParsedTexts<HostFacts> FACTS =
            new ParsedTexts<>(MOST_OF_SERVERS, Integer.MAX_VALUE, HostFacts::parse);
    private static final ParsedTexts<List<Warning>> WARNINGS = new ParsedTexts<>(
            MOST_OF_SERVERS,
            Integer.MAX_VALUE,
            text -> List.copyOf(Json.read(text, new TypeReference<List<Warning>>() {})));

    private static final int MOST = 1024;
    private static final int LONGEST = 1024;
    private static final ParsedTexts<CpuSet> CPU_SETS = new ParsedTexts<>(MOST, LONGEST, CpuSet::parse);
    private static final ParsedTexts<UnitLimits> LIMITS =
            new ParsedTexts<>(MOST, LONGEST, text -> Json.read(text, new TypeReference<>() {}));
    private static final ParsedTexts<Tags> TAGS = new ParsedTexts<>(
            MOST, LONGEST, text -> new Tags(Json.read(text, new TypeReference<Map<String, Object>>() {})));
    private static final ParsedTexts<List<SshPublicKey>> KEYS = new ParsedTexts<>(
            MOST, LONGEST, text -> List.copyOf(Json.read(text, new TypeReference<List<SshPublicKey>>() {})));

    private Rows() {}

    static Server server(ResultSet row, StatementContext context) throws SQLException {
        Object port = row.getObject("ssh_port");
        String cordon = row.getString("cordon_reason");
        return new Server(
                new HostAddress(
                        row.getString("hostname"),
                        row.getString("ip"),
                        port == null ? null : ((Number) port).intValue(),
                        row.getString("ssh_user"),
                        row.getString("host_key")),
                row.getString("region"),
                row.getString("zone"),
                named(ServerStatus.values(), row.getString("status")),
                row.getString("reason"),
                cordon == null ? null : new Reason(cordon),
                CpuSet.parse(row.getString("housekeeping_cpus")),
                new ByteSize(row.getLong("memory_reserve")),
                Json.read(row.getString("volumes"), new TypeReference<List<DataVolume>>() {}),
                FACTS.parse(row.getString("facts")),
                WARNINGS.parse(row.getString("warnings")),
                Instant.parse(row.getString("created_at")),
                row.getString("operation_id"));
    }

    /** The columns of a unit, in the order in which they are read: many units are read at once, and names would be looked up. */
    static final String UNIT =
            "u.compute_id, u.hostname, s.ip, s.region, s.zone, u.cpus, u.uid, u.first_port, u.end_port,"
                    + " u.limits, u.data_directory, u.status, u.reason, u.operation_id, u.tags, u.ssh_public_keys, u.started_at,"
                    + " u.expires_at, u.stopped_at, u.resized_limits, u.owner";

    static ComputeUnit unit(ResultSet row, StatementContext context) throws SQLException {
        return new ComputeUnit(
                new ComputeId(row.getString(1)),
                row.getString(2),
                row.getString(3),
                row.getString(4),
                row.getString(5),
                CPU_SETS.parse(row.getString(6)),
                row.getInt(7),
                new PortRange(row.getInt(8), row.getInt(9)),
                LIMITS.parse(row.getString(10)),
                row.getString(11),
                named(UnitStatus.values(), row.getString(12)),
                row.getString(13),
                tenancy(row),
                row.getString(14));
    }

    private static Tenancy tenancy(ResultSet row) throws SQLException {
        String resized = row.getString(20);
        return new Tenancy(
                TAGS.parse(row.getString(15)),
                KEYS.parse(row.getString(16)),
                instant(row.getString(17)),
                instant(row.getString(18)),
                instant(row.getString(19)),
                resized == null ? null : LIMITS.parse(resized),
                tenant(row.getString(21)));
    }

    static @Nullable String text(@Nullable Tenant tenant) {
        return tenant == null ? null : tenant.name();
    }

    static @Nullable Tenant tenant(@Nullable String name) {
        return name == null ? null : new Tenant(name);
    }

    static Operation operation(ResultSet row) throws SQLException {
        return operation(row, Json.read(row.getString("steps"), new TypeReference<List<Operation.Step>>() {}));
    }

    static Operation withoutSteps(ResultSet row) throws SQLException {
        return operation(row, List.of());
    }

    private static Operation operation(ResultSet row, List<Operation.Step> steps) throws SQLException {
        String unit = row.getString("compute_id");
        String code = row.getString("error_code");
        return new Operation(
                row.getString("id"),
                named(Operation.Kind.values(), row.getString("kind")),
                row.getString("hostname"),
                unit == null ? null : new ComputeId(unit),
                named(Operation.State.values(), row.getString("state")),
                row.getInt("attempt"),
                row.getString("error"),
                code == null ? null : ErrorCode.valueOf(code),
                Instant.parse(row.getString("created_at")),
                instant(row.getString("started_at")),
                instant(row.getString("ended_at")),
                steps,
                tenant(row.getString("owner")));
    }

    static <E extends Enum<E>> E named(E[] values, String name) {
        for (E value : values) {
            if (value.toString().equals(name)) {
                return value;
            }
        }
        throw new KloigosException(ErrorCode.STORE_FAILED, "The inventory holds the unknown word \"" + name + "\".");
    }

    static @Nullable Instant instant(@Nullable String text) {
        return text == null ? null : Instant.parse(text);
    }

    static @Nullable String text(@Nullable Instant instant) {
        return instant == null ? null : TIME.format(instant);
    }
}
