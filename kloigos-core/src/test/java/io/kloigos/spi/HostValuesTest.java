package io.kloigos.spi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.kloigos.model.FileSystemType;
import io.kloigos.spi.HostPlan.Scope;
import io.kloigos.spi.Reading.QuotaKind;
import io.kloigos.spi.Step.Access;
import java.time.Duration;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What no host could take is refused where it is made, so no driver meets it. */
class HostValuesTest {
    /** Everything that names a path, made with a given one. */
    private static final List<Function<String, Object>> WITH_PATH = List.of(
            path -> new Step.Directories(List.of("/etc", path), Access.rootDirectory()),
            path -> new Step.TextFile(path, "text", Access.rootFile()),
            path -> new Step.AppendedLines(path, List.of("line")),
            path -> new Step.RemovedLines(path, List.of("line")),
            Step.Removal::new,
            Step.Emptying::new,
            path -> new Step.DiskFormat(path, FileSystemType.EXT4, "label"),
            Reading.FileText::new,
            path -> new Reading.FileLine(path, "prefix"),
            path -> new Reading.Entries(List.of("/etc", path)),
            path -> new Reading.QuotaLimits(QuotaKind.USER, List.of(20000), path),
            path -> new UnitAccount("u4-7", 20000, List.of(path)));

    @ParameterizedTest
    @ValueSource(strings = {"", "relative", "/a/../b", "/a/.", "/..", "/a//b", "/a/", "//", "/a\0b", "/half \uD83D"})
    void pathsAreAbsoluteAndPlain(String path) {
        WITH_PATH.forEach(made -> assertThatIllegalArgumentException().as(path).isThrownBy(() -> made.apply(path)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"/", "/a", "/a/.b/..c/d.", "/with white\nspace/and 'quotes'", "/größe"})
    void anyNameMayStandInThem(String path) {
        WITH_PATH.forEach(made -> assertThat(made.apply(path)).isNotNull());
    }

    @Test
    void commandsNameAProgramAndTextsHaveNoNul() {
        assertRefused(
                () -> new Step.Command(List.of(), ""),
                () -> new Step.Command(List.of("", "a"), ""),
                () -> new Step.Command(List.of("cat"), "a\0b"),
                () -> Step.Command.of("echo", "a\0b"),
                () -> new Step.Ensure(Condition.succeeds("true"), List.of()),
                () -> new Condition(List.of(), Condition.Exit.SUCCESS),
                () -> new Reading.Output(List.of()),
                () -> new Reading.OutputLine(List.of(), "prefix"),
                () -> new Step.TextFile("/a", "a\0b", Access.rootFile()),
                () -> new Step.AppendedLines("/a", List.of("two\nlines")),
                () -> new Step.RemovedLines("/a", List.of("two\nlines")),
                () -> new Step.Expectation(new Reading.FileText("/a"), "a\0b"),
                () -> new Step.Expectation(new Reading.FileText("/a"), "a", Duration.ofSeconds(-1)));
    }

    @Test
    void numbersAndNamesAreWhatHostsKnow() {
        assertRefused(
                () -> new Access(-1, 0644),
                () -> new Access(0, -1, 0644),
                () -> new Access(0, -1),
                () -> new Access(0, 010000),
                () -> new Step.DiskFormat("/dev/sdb", FileSystemType.XFS, ""),
                () -> new Step.DiskFormat("/dev/sdb", FileSystemType.XFS, "thirteen-char"),
                () -> new Step.DiskFormat("/dev/sdb", FileSystemType.XFS, "a b"),
                () -> new Reading.QuotaLimits(QuotaKind.USER, List.of(-1), "/"),
                () -> new Scope("../host"),
                () -> Scope.unit(""),
                () -> new UnitAccount("", 20000, List.of()),
                () -> new UnitAccount("-r", 20000, List.of()),
                () -> new UnitAccount("a/b", 20000, List.of()));
        assertThat(Scope.unit("u4-7").isHost()).isFalse();
    }

    @Test
    void aGroupOfItsOwnIsNamed() {
        assertThat(new Access(0, 20000, 0640)).hasToString("0640 0:20000");
        assertThat(new Access(20000, 0700)).hasToString("0700 20000").isEqualTo(new Access(20000, 20000, 0700));
    }

    private static void assertRefused(ThrowingCallable... made) {
        Stream.of(made).forEach(one -> assertThatIllegalArgumentException().isThrownBy(one));
    }
}
