package io.kloigos.http;

import com.fasterxml.jackson.databind.JsonNode;
import io.kloigos.http.JsonFields.Listed;
import io.kloigos.model.AllocateRequest;
import io.kloigos.model.AntiAffinity;
import io.kloigos.model.ByteSize;
import io.kloigos.model.CpuSet;
import io.kloigos.model.DataDisk;
import io.kloigos.model.FileSystemType;
import io.kloigos.model.HostAddress;
import io.kloigos.model.Housekeeping;
import io.kloigos.model.InitServerRequest;
import io.kloigos.model.IoLimit;
import io.kloigos.model.KloigosException;
import io.kloigos.model.LimitChange;
import io.kloigos.model.LimitRequest;
import io.kloigos.model.Placement;
import io.kloigos.model.PortEnforcement;
import io.kloigos.model.Reason;
import io.kloigos.model.SshPublicKey;
import io.kloigos.model.Tags;
import io.kloigos.model.UnitChange;
import io.kloigos.model.UnitDivision;
import io.kloigos.model.UnitVolumes;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The bodies that the API accepts. */
final class RequestTypes {
    private static final int DEFAULT_CPU_COUNT = 4;
    private static final ByteSize ANY_SIZE = ByteSize.ofMebibytes(1024);
    private static final HostAddress ANY_ADDRESS = new HostAddress("host", "192.0.2.1", null, null, null);
    private static final SshPublicKey ANY_KEY =
            new SshPublicKey("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    private static final UnitDivision ANY_DIVISION = new UnitDivision.Count(1);
    private static final List<String> DIVISIONS = List.of("cpu_ranges", "units", "cpus_per_unit");

    private static final Pattern FINGERPRINT = Pattern.compile("SHA256:[A-Za-z0-9+/]{43}");

    static final JsonType<AllocateRequest> ALLOCATE = JsonType.object(RequestTypes::allocate);
    static final JsonType<UnitChange> ROTATE_KEYS = JsonType.object(fields -> new UnitChange.RotateKeys(keys(fields)));
    static final JsonType<InitServerRequest> INIT = JsonType.object(RequestTypes::init);

    static final JsonType<Reason> REASON =
            JsonType.object(fields -> fields.required("reason", JsonType.text(Reason::new), new Reason("any")));
    static final JsonType<UnitChange> RESIZE = JsonType.object(fields -> new UnitChange.Resize(limitChange(fields)));
    static final JsonType<Instant> TIME = JsonType.text(RequestTypes::time);
    static final JsonType<Optional<Instant>> SET_EXPIRY = JsonType.object(RequestTypes::expiry);
    private static final JsonType<SshPublicKey> KEY = JsonType.text(SshPublicKey::new);
    private static final JsonType<Tags> TAGS = JsonType.object(fields -> new Tags(fields.all()));
    private static final JsonType<Tags> TAGS_OR_NONE = node -> node.isNull() ? Tags.none() : TAGS.read(node);
    static final JsonType<Tags> SET_TAGS =
            JsonType.object(fields -> fields.required("tags", TAGS_OR_NONE, Tags.none()));
    private static final JsonType<AntiAffinity> ANTI_AFFINITY = JsonType.object(RequestTypes::antiAffinity);
    private static final JsonType<UnitDivision> COUNT =
            node -> new UnitDivision.Count(JsonType.integer().read(node));
    private static final JsonType<UnitDivision> SIZE =
            node -> new UnitDivision.Size(JsonType.integer().read(node));
    private static final JsonType<LimitRequest> LIMITS = JsonType.object(RequestTypes::limits);
    private static final JsonType<IoLimit> IO_LIMIT = JsonType.object(RequestTypes::ioLimit);
    private static final JsonType<DataDisk> DATA_DISK = RequestTypes::dataDisk;
    private static final JsonType<DataDisk> DATA_DISK_OBJECT = JsonType.object(RequestTypes::dataDiskObject);
    private static final JsonType<UnitVolumes> VOLUME_GROUP = RequestTypes::volumeGroup;
    private static final JsonType<UnitVolumes> VOLUME_GROUP_OBJECT = JsonType.object(RequestTypes::volumeGroupObject);

    private RequestTypes() {}

    private static AllocateRequest allocate(JsonFields fields) {
        int faultsBefore = fields.faults().found().size();
        Tags tags = fields.required("tags", TAGS_OR_NONE, Tags.none());
        boolean tagsAreRead = fields.faults().found().size() == faultsBefore;
        AntiAffinity antiAffinity = fields.optional("anti_affinity", ANTI_AFFINITY, null);
        return new AllocateRequest(
                fields.has("cpu_count")
                        ? fields.optional("cpu_count", JsonType.integer(), null)
                        : Integer.valueOf(DEFAULT_CPU_COUNT),
                fields.optional("region", JsonType.text(), null),
                fields.optional("zone", JsonType.text(), null),
                tags,
                allocationKeys(fields),
                fields.optional("expires_at", TIME, null),
                fields.orElse("placement", JsonType.text(Placement::parse), Placement.PACK),
                tagsAreRead ? antiAffinity : null);
    }

    private static Instant time(String text) {
        try {
            return Instant.parse(text);
        } catch (DateTimeParseException e) {
            throw KloigosException.invalid("datetime_parsing", "is no time such as \"2026-11-23T12:00:00Z\"");
        }
    }

    /** The field must be there, since without it nobody says what is meant. */
    private static Optional<Instant> expiry(JsonFields fields) {
        return fields.required(
                "expires_at",
                node -> node.isNull() ? Optional.<Instant>empty() : Optional.of(TIME.read(node)),
                Optional.empty());
    }

    private static AntiAffinity antiAffinity(JsonFields fields) {
        return new AntiAffinity(
                fields.required("tag", JsonType.text(), Tags.DEPLOYMENT_ID),
                fields.required("over", JsonType.text(AntiAffinity.Scope::parse), AntiAffinity.Scope.SERVER));
    }

    /** One key, as ever, or several. */
    private static List<SshPublicKey> allocationKeys(JsonFields fields) {
        if (!fields.has("ssh_public_keys")) {
            return List.of(fields.required("ssh_public_key", KEY, ANY_KEY));
        }
        if (fields.has("ssh_public_key")) {
            fields.faults()
                    .add("ssh_public_keys", "is given beside ssh_public_key; give one of the two", "ssh_public_keys");
        }
        return keys(fields);
    }

    private static List<SshPublicKey> keys(JsonFields fields) {
        Listed<SshPublicKey> keys = fields.requiredList("ssh_public_keys", KEY);
        return keys.whole() ? List.copyOf(keys.readable().values()) : List.of(ANY_KEY);
    }

    private static InitServerRequest init(JsonFields fields) {
        HostAddress address = fields.faults().attempt(() -> address(fields)).orElse(ANY_ADDRESS);
        String region = fields.required("region", JsonType.text(), "region");
        String zone = fields.required("zone", JsonType.text(), "zone");
        Housekeeping housekeeping = fields.optional("housekeeping_cpus", RequestTypes::housekeeping, null);
        List<DataDisk> disks = fields.optionalList("data_disks", DATA_DISK)
                .filled(index -> new DataDisk("/dev/unreadable" + index, FileSystemType.EXT4));
        UnitVolumes volumes = fields.optional("volume_group", VOLUME_GROUP, null);
        LimitRequest limits = fields.orElse("limits", LIMITS, LimitRequest.defaults());
        Optional<UnitDivision> division = division(fields, housekeeping, disks);
        if (division.isEmpty()) {
            fields.faults().addAll(InitServerRequest.unitVolumeFaults(disks, volumes));
            return new InitServerRequest(address, region, zone, ANY_DIVISION, null, List.of(), limits);
        }
        return new InitServerRequest(address, region, zone, division.get(), housekeeping, disks, limits, volumes);
    }

    /** Returns how the host is to be divided; empty if that cannot be read. */
    private static Optional<UnitDivision> division(
            JsonFields fields, @Nullable Housekeeping housekeeping, List<DataDisk> disks) {
        List<String> given = DIVISIONS.stream().filter(fields::hasValue).toList();
        if (given.isEmpty()) {
            fields.faults().add("missing", "one of cpu_ranges, units and cpus_per_unit is required", "cpu_ranges");
        }
        given.stream()
                .skip(1)
                .forEach(field -> fields.faults()
                        .add("exclusive", "cannot stand beside " + given.get(0) + ": name only one", field));
        Listed<CpuSet> ranges = fields.optionalList("cpu_ranges", JsonType.text(CpuSet::parse));
        UnitDivision count = fields.optional("units", COUNT, ANY_DIVISION);
        UnitDivision size = fields.optional("cpus_per_unit", SIZE, ANY_DIVISION);
        if (given.size() == 1 && ranges.whole()) {
            return Optional.ofNullable(count != null ? count : size)
                    .or(() -> Optional.of(new UnitDivision.Ranges(
                            List.copyOf(ranges.readable().values()))));
        }
        if (!ranges.readable().isEmpty()) {
            fields.faults().addAll(InitServerRequest.cpuRangeFaults(ranges.readable(), housekeeping));
        }
        if (ranges.size() > 0) {
            fields.faults().addAll(InitServerRequest.dataDiskFaults(disks, OptionalInt.of(ranges.size())));
        }
        return Optional.empty();
    }

    private static Housekeeping housekeeping(JsonNode node) {
        return node.isIntegralNumber()
                ? new Housekeeping.Count(JsonType.integer().read(node))
                : new Housekeeping.Cpus(JsonType.text(CpuSet::parse).read(node));
    }

    private static HostAddress address(JsonFields fields) {
        return new HostAddress(
                fields.required("hostname", JsonType.text(), ANY_ADDRESS.hostname()),
                fields.required("ip", JsonType.text(), ANY_ADDRESS.ip()),
                fields.optional("ssh_port", JsonType.integer(), null),
                fields.optional("ssh_user", JsonType.text(), null),
                fields.optional("host_key", JsonType.text(RequestTypes::fingerprint), null));
    }

    private static String fingerprint(String text) {
        if (!FINGERPRINT.matcher(text).matches()) {
            throw KloigosException.invalid(
                    "host_key",
                    "is not a fingerprint as \"ssh-keygen -l\" prints it: SHA256: and 43 base64 characters");
        }
        return text;
    }

    private static DataDisk dataDisk(JsonNode node) {
        return node.isObject()
                ? DATA_DISK_OBJECT.read(node)
                : new DataDisk(JsonType.text().read(node), FileSystemType.EXT4);
    }

    private static DataDisk dataDiskObject(JsonFields fields) {
        return new DataDisk(
                fields.required("device", JsonType.text(), "/dev/any"),
                fields.orElse("filesystem", JsonType.text(FileSystemType::parse), FileSystemType.EXT4));
    }

    private static UnitVolumes volumeGroup(JsonNode node) {
        return node.isObject()
                ? VOLUME_GROUP_OBJECT.read(node)
                : new UnitVolumes(JsonType.text().read(node), FileSystemType.EXT4, null);
    }

    private static UnitVolumes volumeGroupObject(JsonFields fields) {
        return new UnitVolumes(
                fields.required("name", JsonType.text(), "any"),
                fields.orElse("filesystem", JsonType.text(FileSystemType::parse), FileSystemType.EXT4),
                size(fields, "volume_size"));
    }

    private static LimitRequest limits(JsonFields fields) {
        return new LimitRequest(
                size(fields, "memory_reserve"),
                size(fields, "memory_max"),
                size(fields, "memory_high"),
                size(fields, "swap_max"),
                fields.optional("tasks_max", JsonType.integer(), null),
                size(fields, "disk_max"),
                size(fields, "data_max"),
                fields.optional("inodes_max", JsonType.count(), null),
                fields.orElse("io", JsonType.list(IO_LIMIT), List.of()),
                fields.optional("port_enforcement", JsonType.text(PortEnforcement::parse), null));
    }

    private static LimitChange limitChange(JsonFields fields) {
        return new LimitChange(
                size(fields, "memory_max"),
                size(fields, "memory_high"),
                size(fields, "swap_max"),
                fields.optional("tasks_max", JsonType.integer(), null),
                size(fields, "disk_max"),
                size(fields, "data_max"),
                fields.optional("inodes_max", JsonType.count(), null),
                fields.optional("io", JsonType.list(IO_LIMIT), List.of()));
    }

    private static @Nullable ByteSize size(JsonFields fields, String name) {
        return fields.optional(name, JsonType.size(), null);
    }

    private static IoLimit ioLimit(JsonFields fields) {
        return new IoLimit(
                fields.required("device", JsonType.text(), "/dev/any"),
                fields.optional("read_bytes", JsonType.size(), ANY_SIZE),
                fields.optional("write_bytes", JsonType.size(), ANY_SIZE),
                fields.optional("read_iops", JsonType.count(), 1L),
                fields.optional("write_iops", JsonType.count(), 1L));
    }
}
