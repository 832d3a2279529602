package io.kloigos.inventory;

import static org.assertj.core.api.Assertions.assertThat;

import io.kloigos.fixture.SampleFleet;
import io.kloigos.fixture.SampleHost;
import io.kloigos.model.AllocateRequest;
import io.kloigos.model.ByteSize;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.DataDisk;
import io.kloigos.model.FileSystemType;
import io.kloigos.model.IoLimit;
import io.kloigos.model.LimitRequest;
import io.kloigos.model.Operation;
import io.kloigos.model.PortEnforcement;
import io.kloigos.model.Tags;
import io.kloigos.model.UnitFilter;
import io.kloigos.model.UnitStatus;
import io.kloigos.model.UnitVolumes;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What an inventory keeps, as it was put there. */
interface KeepingContract extends InventoryFixture {
    @Test
    default void itsVersionIsAnotherAfterEachChangeAndTheSameUntilThen() {
        List<String> versions = new ArrayList<>();
        versions.add(inventory().version().orElseThrow());
        addReady("host1", "4-7");
        versions.add(inventory().version().orElseThrow());
        ComputeUnit unit = allocate(SampleFleet.wanting(4), "op1");
        versions.add(inventory().version().orElseThrow());
        inventory().tenancies().setTags(unit, Tags.none(), NOON);
        versions.add(inventory().version().orElseThrow());

        assertThat(versions).doesNotHaveDuplicates();
        inventory().units(UnitFilter.all());
        assertThat(inventory().version()).contains(versions.get(3));
    }

    @Test
    default void keepsTheLogicalVolumesOfUnits() {
        SampleFleet fleet = SampleFleet.of(
                SampleFleet.request("host1", new UnitVolumes("vg0", FileSystemType.EXT4, null), "4-7", "8-11"),
                SampleHost.debian().withVolumeGroup("vg0", 1000).facts());
        addServer(
                fleet.server(), fleet.units(), SampleFleet.operation("op1", Operation.Kind.INIT, "host1", null, NOON));

        assertThat(inventory().server("host1").orElseThrow().volumes())
                .isEqualTo(fleet.server().volumes());
    }

    @Test
    default void keepsAServerAndItsUnitsAsTheyWere() {
        IoLimit io = new IoLimit("/dev/sdb", ByteSize.parse("10M"), null, 100L, null);
        SampleFleet fleet = SampleFleet.of(
                SampleFleet.request(
                        "host1",
                        "0-1",
                        List.of(new DataDisk("/dev/sdb", FileSystemType.XFS)),
                        new LimitRequest(
                                null,
                                null,
                                null,
                                ByteSize.parse("1G"),
                                null,
                                null,
                                null,
                                null,
                                List.of(io),
                                PortEnforcement.SOCKET_BIND),
                        "4-7",
                        "8-11,14"),
                SampleHost.debian().withCores("0,8", "4,12").facts());
        Operation init = SampleFleet.operation("op1", Operation.Kind.INIT, "host1", null, NOON);
        addServer(fleet.server(), fleet.units(), init);

        assertThat(inventory().server("host1"))
                .get()
                .usingRecursiveComparison()
                .ignoringFields("operationId")
                .isEqualTo(fleet.server());
        assertThat(inventory().units(UnitFilter.all()))
                .usingRecursiveFieldByFieldElementComparatorIgnoringFields("operationId")
                .containsExactlyElementsOf(fleet.units());
        assertThat(inventory().unit(fleet.units().get(0).id()).orElseThrow().operationId())
                .isEqualTo("op1");
        assertThat(inventory().operations().find("op1")).contains(init);
    }

    @Test
    default void keepsTagsOfEveryKindInTheirOrder() {
        addReady("host1", "4-7");
        Map<String, Object> tags = new LinkedHashMap<>();
        tags.put("text", "with \"quotes\", ' and ünïcode 🚀\n");
        tags.put("empty", "");
        tags.put("integer", 42);
        tags.put("negative", -7);
        tags.put("long", 9_007_199_254_740_993L);
        tags.put("big", new BigInteger("123456789012345678901234567890"));
        tags.put("fraction", 0.25);
        tags.put("list", List.of("b", "a", "b"));
        tags.put("nothing", List.of());
        ComputeUnit unit = claim(new AllocateRequest(null, null, null, new Tags(tags), SampleFleet.KEY), "op1");

        assertThat(inventory().unit(unit.id()).orElseThrow().tags().values()).containsExactlyEntriesOf(tags);
    }

    @Test
    default void forgetsTheTenantWhenAUnitIsFreeAgain() {
        addReady("host1", "4-7");
        Tags tags = new Tags(Map.of("deployment_id", "d1", "owner", "ann"));
        ComputeUnit unit = allocate(new AllocateRequest(null, null, null, tags, SampleFleet.KEY), "op1");
        assertThat(unit.tags()).isEqualTo(tags);
        assertThat(unit.sshPublicKeys()).containsExactly(SampleFleet.KEY);
        assertThat(unit.startedAt()).isEqualTo(NOON);

        inventory()
                .beginDeallocation(
                        unit.id(), SampleFleet.operation("op2", Operation.Kind.DEALLOCATE, "host1", unit, NOON), null);
        inventory()
                .endOnUnit(
                        SampleFleet.ended("op2", Operation.Kind.DEALLOCATE, "host1", unit),
                        unit.id(),
                        UnitStatus.FREE,
                        "",
                        NOON);

        ComputeUnit free = inventory().unit(unit.id()).orElseThrow();
        assertThat(free.tags()).isEqualTo(Tags.none());
        assertThat(free.sshPublicKeys()).isEmpty();
        assertThat(free.startedAt()).isNull();
        assertThat(inventory().units(new UnitFilter(null, null, null, null, null, "d1", null)))
                .isEmpty();
    }

    @Test
    default void remembersTheTenantOfAUnitThatCouldNotBeCleaned() {
        addReady("host1", "4-7");
        ComputeUnit unit = allocate(SampleFleet.wanting(4), "op1");
        inventory()
                .beginDeallocation(
                        unit.id(), SampleFleet.operation("op2", Operation.Kind.DEALLOCATE, "host1", unit, NOON), null);
        inventory()
                .endOnUnit(
                        SampleFleet.ended("op2", Operation.Kind.DEALLOCATE, "host1", unit),
                        unit.id(),
                        UnitStatus.DEALLOCATION_FAIL,
                        "processes of u4-7 are left",
                        NOON);

        ComputeUnit failed = inventory().unit(unit.id()).orElseThrow();
        assertThat(failed.reason()).isEqualTo("processes of u4-7 are left");
        assertThat(failed.sshPublicKeys()).containsExactly(SampleFleet.KEY);
        assertThat(inventory()
                        .claim(
                                SampleFleet.wanting(null),
                                (server, chosen) -> {
                                    throw new AssertionError("handed out " + chosen.id());
                                },
                                null))
                .isEmpty();
    }
}
