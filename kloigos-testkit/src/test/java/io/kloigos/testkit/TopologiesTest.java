package io.kloigos.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kloigos.Kloigos;
import io.kloigos.model.AllocateRequest;
import io.kloigos.model.ByteSize;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.CpuSet;
import io.kloigos.model.HostFacts;
import io.kloigos.model.InitServerRequest;
import io.kloigos.model.Operation;
import io.kloigos.model.Tags;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Hosts of every shape can be built, cut into units and used. */
@Tag("long")
class TopologiesTest {
    /** A host of this shape, and how it is cut. */
    record Shape(CpuSet cpus, int nodes, int threads, List<CpuSet> units) {
        FakeHost host() {
            return FakeHost.builder("host1", "10.0.0.1")
                    .cpus(cpus)
                    .nodes(nodes)
                    .threadsPerCore(threads)
                    .memory(ByteSize.parse("4G").times(cpus.count(), 1))
                    .build();
        }

        @Override
        public String toString() {
            return cpus + ", " + nodes + " nodes, " + threads + " threads a core";
        }
    }

    static Stream<Shape> shapes() {
        Stream<Shape> whole = IntStream.of(16, 32, 64, 128, 256)
                .boxed()
                .flatMap(count -> IntStream.of(1, 2, 4)
                        .boxed()
                        .flatMap(nodes -> IntStream.of(1, 2)
                                .mapToObj(threads -> new Shape(
                                        CpuSet.range(0, count - 1),
                                        nodes,
                                        threads,
                                        IntStream.of(count / 4, count / 2, count - 4)
                                                .mapToObj(first -> CpuSet.range(first, first + 3))
                                                .toList()))));
        Stream<Shape> gaps = Stream.of(
                new Shape(CpuSet.parse("0-7,16-23"), 2, 1, List.of(CpuSet.parse("2-5"), CpuSet.parse("6-7,16-17"))),
                new Shape(CpuSet.parse("1-15:2,32-47"), 1, 2, List.of(CpuSet.parse("3,5,7,9"), CpuSet.parse("44-47"))));
        return Stream.concat(whole, gaps);
    }

    @ParameterizedTest
    @MethodSource("shapes")
    void aHostOfAnyShapeIsInitedAndAllocated(Shape shape, @TempDir Path directory) {
        FakeHost host = shape.host();
        HostFacts facts = host.facts();
        assertThat(facts.topology().siblings().stream().reduce(CpuSet.empty(), CpuSet::union))
                .isEqualTo(shape.cpus());
        assertThat(facts.topology().siblings())
                .allSatisfy(core -> assertThat(core.count()).isEqualTo(shape.threads()));
        assertThat(facts.nodes()).hasSize(shape.nodes());
        assertThat(facts.topology().siblings())
                .allSatisfy(core -> assertThat(facts.nodesOf(core).count()).isEqualTo(1));

        try (Kloigos kloigos = Kloigos.builder()
                .driver(FakeFleet.of(host).driver())
                .database(directory.resolve("kloigos.db"))
                .build()) {
            Operation init = kloigos.initServer(InitServerRequest.of(host.address(), "eu", "a", shape.units()));
            assertThat(kloigos.await(init.id()).error()).isNull();
            String staged = host.state();
            ComputeUnit unit =
                    kloigos.allocate(new AllocateRequest(4, null, null, Tags.none(), FakeFleetExtension.KEY));
            host.assertAllocated(unit);
            kloigos.await(kloigos.deallocate(unit.id()).id());
            host.assertClean(unit);
            host.assertState(staged);
        }
    }

    @Test
    void coresAreNotSplitOverNodes() {
        FakeHostBuilder uneven =
                FakeHost.builder("host1", "10.0.0.1").cpus(12).nodes(4).threadsPerCore(2);

        assertThatThrownBy(uneven::build)
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("12 CPUs cannot be spread over 4 nodes with 2 threads a core");
    }
}
