package io.kloigos.testkit;

import static io.kloigos.testkit.ContractPlans.expect;
import static io.kloigos.testkit.ContractPlans.failure;
import static io.kloigos.testkit.ContractPlans.file;
import static io.kloigos.testkit.ContractPlans.outcome;
import static io.kloigos.testkit.ContractPlans.outcomes;
import static io.kloigos.testkit.ContractPlans.succeed;
import static io.kloigos.testkit.ContractPlans.workspace;
import static org.assertj.core.api.Assertions.assertThat;

import io.kloigos.spi.Reading;
import io.kloigos.spi.Step;
import io.kloigos.spi.Step.Access;
import io.kloigos.spi.StepReport.Outcome;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** What a driver must do with steps that make, change and remove directories and files. */
interface FileStepsContract extends DriverUnderTest {
    @Test
    @DisplayName("a directory is made once; another owner or mode is a change")
    default void directoriesAreIdempotent() {
        String path = workspace(this) + "/directory";

        assertThat(outcome(this, new Step.Directories(path, new Access(0, 0755))))
                .isEqualTo(Outcome.CHANGED);
        assertThat(outcome(this, new Step.Directories(path, new Access(0, 0755))))
                .isEqualTo(Outcome.UNCHANGED);
        assertThat(outcome(this, new Step.Directories(path, new Access(0, 0700))))
                .isEqualTo(Outcome.CHANGED);
        assertThat(outcome(this, new Step.Directories(path, new Access(54321, 0700))))
                .isEqualTo(Outcome.CHANGED);
        assertThat(outcome(this, new Step.Directories(path, new Access(54321, 0700))))
                .isEqualTo(Outcome.UNCHANGED);
    }

    @Test
    @DisplayName("of several directories those that are missing are made, and those that are there are mended")
    default void directoriesAreMadeTogether() {
        String in = workspace(this);
        List<String> paths = List.of(in + "/one", in + "/it's two", in + "/-three");
        Access access = new Access(54321, 0700);
        succeed(this, new Step.Directories(paths.get(1), Access.rootDirectory()));

        assertThat(outcome(this, new Step.Directories(paths, access))).isEqualTo(Outcome.CHANGED);
        assertThat(outcome(this, new Step.Directories(paths, access))).isEqualTo(Outcome.UNCHANGED);
        expect(
                this,
                paths.stream().map(path -> "700 54321:54321 " + path).collect(Collectors.joining("\n")),
                new Reading.Entries(paths));
    }

    @Test
    @DisplayName("a directory is not made without its parent, nor where a file or a symbolic link stands")
    default void directoriesNeedTheirPlace() {
        String in = workspace(this);
        succeed(this, file(in + "/file", "text"), Step.Command.of("ln", "-s", in, in + "/link"));

        assertThat(failure(this, new Step.Directories(in + "/a/b", Access.rootDirectory())))
                .isNotBlank();
        assertThat(failure(this, new Step.Directories(in + "/file", Access.rootDirectory())))
                .isNotBlank();
        assertThat(failure(this, new Step.Directories(in + "/link", Access.rootDirectory())))
                .isNotBlank();
        assertThat(failure(this, new Step.Directories(List.of(in + "/one", in + "/file"), Access.rootDirectory())))
                .isNotBlank();
        assertThat(failure(this, new Step.Directories(List.of(in + "/one", in + "/one/below"), Access.rootDirectory())))
                .isNotBlank();
        expect(this, "absent", new Reading.FileText(in + "/a"));
        expect(this, "", new Reading.Entries(List.of(in + "/one")));
        expect(this, "text", new Reading.FileText(in + "/file"));
    }

    @Test
    @DisplayName("a file is written once; another content, owner or mode is a change")
    default void textFilesAreIdempotent() {
        String path = workspace(this) + "/file";

        assertThat(outcome(this, file(path, "one\n"))).isEqualTo(Outcome.CHANGED);
        assertThat(outcome(this, file(path, "one\n"))).isEqualTo(Outcome.UNCHANGED);
        assertThat(outcome(this, file(path, "one"))).isEqualTo(Outcome.CHANGED);
        assertThat(outcome(this, file(path, "one\n\n"))).isEqualTo(Outcome.CHANGED);
        assertThat(outcome(this, new Step.TextFile(path, "one\n\n", new Access(0, 0600))))
                .isEqualTo(Outcome.CHANGED);
        assertThat(outcome(this, new Step.TextFile(path, "one\n\n", new Access(54321, 0600))))
                .isEqualTo(Outcome.CHANGED);
        assertThat(outcome(this, new Step.TextFile(path, "one\n\n", new Access(54321, 0600))))
                .isEqualTo(Outcome.UNCHANGED);
    }

    @Test
    @DisplayName("a file or directory may belong to another group than its owner's")
    default void groupsMayDiffer() {
        String in = workspace(this);
        Access access = new Access(0, 54321, 0640);
        Step made = new Step.TextFile(in + "/made", "text", access);
        Step directory = new Step.Directories(in + "/directory", new Access(54321, 54322, 0750));

        assertThat(outcomes(this, made, made, directory, directory))
                .containsExactly(Outcome.CHANGED, Outcome.UNCHANGED, Outcome.CHANGED, Outcome.UNCHANGED);
        succeed(this, file(in + "/there", "text"), new Step.TextFile(in + "/there", "text", access));
        succeed(this, file(in + "/replaced", "old"), new Step.TextFile(in + "/replaced", "text", access));

        expect(
                this,
                String.join(
                        "\n",
                        "640 0:54321 " + in + "/made",
                        "750 54321:54322 " + in + "/directory",
                        "640 0:54321 " + in + "/there",
                        "640 0:54321 " + in + "/replaced"),
                new Reading.Entries(List.of(in + "/made", in + "/directory", in + "/there", in + "/replaced")));
    }

    @Test
    @DisplayName("a file takes the place of a symbolic link and leaves the link's target alone")
    default void textFilesReplaceLinks() {
        String in = workspace(this);
        succeed(this, file(in + "/target", "precious"), Step.Command.of("ln", "-s", in + "/target", in + "/link"));

        succeed(this, file(in + "/link", "new"));

        expect(this, "new", new Reading.FileText(in + "/link"));
        expect(this, "precious", new Reading.FileText(in + "/target"));
        assertThat(failure(this, new Step.TextFile(in, "text", Access.rootFile())))
                .isNotBlank();
    }

    @Test
    @DisplayName("quotes, line breaks, $(), Unicode and the like survive in contents, paths, arguments and input")
    default void everyTextSurvives() {
        List<String> texts = List.of(
                "'",
                "\"",
                "it's \"quoted\" 'twice' \\ \\\\ \\n \\0 \\'",
                "$(touch /never) `touch /never` ${HOME} $0 $$ !! ~ * ? [a] {b,c}",
                "first\nsecond\n\nfourth",
                "a; b & c | d > e < f # g",
                "%s %d %% %n",
                "-n",
                "tab\tand  spaces",
                "gr\u00fc\u00df \u6f22\u5b57 \ud83d\ude80 \u0301",
                "\u0001\u001b[31m\u007f",
                "carriage\rreturn",
                "EOF\nEOF\n'EOF'\ndone");
        String in = workspace(this);
        for (String text : texts) {
            String odd = in + "/" + text.replace('/', '_');
            assertThat(outcomes(
                            this,
                            file(in + "/plain", text),
                            file(in + "/plain", text),
                            file(odd, text + "\n"),
                            Step.Command.of("cp", "--", odd, in + "/copied"),
                            new Step.Command(List.of("cp", "/dev/stdin", in + "/input"), text),
                            Step.Command.of("test", text, "=", text),
                            new Step.Expectation(new Reading.FileText(odd), text),
                            new Step.Expectation(new Reading.FileText(in + "/copied"), text),
                            new Step.Expectation(new Reading.FileText(in + "/input"), text),
                            new Step.Expectation(new Reading.Output(List.of("cat", odd)), text),
                            new Step.Removal(odd),
                            new Step.Removal(in + "/plain")))
                    .as(text)
                    .containsExactly(
                            Outcome.CHANGED,
                            Outcome.UNCHANGED,
                            Outcome.CHANGED,
                            Outcome.CHANGED,
                            Outcome.CHANGED,
                            Outcome.CHANGED,
                            Outcome.UNCHANGED,
                            Outcome.UNCHANGED,
                            Outcome.UNCHANGED,
                            Outcome.UNCHANGED,
                            Outcome.CHANGED,
                            Outcome.CHANGED);
        }
        succeed(this, Step.Command.of("test", "!", "-e", "/never"));
        for (String ending : List.of("", "\n", "no end", "end\n", "ends\n\n", "\n\nbegins", " spaces ", "\\")) {
            assertThat(outcomes(
                            this,
                            file(in + "/ending", "other"),
                            file(in + "/ending", ending),
                            file(in + "/ending", ending)))
                    .as("content \"%s\"", ending)
                    .containsExactly(Outcome.CHANGED, Outcome.CHANGED, Outcome.UNCHANGED);
        }
    }

    @Test
    @DisplayName("lines taken out leave a file as it was before they were appended, byte for byte")
    default void linesComeAndGo() {
        String in = workspace(this);
        List<String> lines = List.of("session required 'pam' $(x)", "# second \\ line");
        Access access = new Access(54321, 0640);
        for (String before :
                List.of("", "a\nb\n", "\n\n  a\t\n\n", "session required\nsession required 'pam' $(x) y\n")) {
            String path = in + "/lines";
            succeed(this, new Step.TextFile(path, before, access));

            assertThat(outcomes(
                            this,
                            new Step.AppendedLines(path, lines),
                            new Step.AppendedLines(path, lines),
                            new Step.TextFile(path, before + String.join("\n", lines) + "\n", access)))
                    .as("lines appended to \"%s\"", before)
                    .containsExactly(Outcome.CHANGED, Outcome.UNCHANGED, Outcome.UNCHANGED);

            assertThat(outcomes(
                            this,
                            new Step.RemovedLines(path, lines),
                            new Step.RemovedLines(path, lines),
                            new Step.TextFile(path, before, access)))
                    .as("\"%s\" with the lines taken out again", before)
                    .containsExactly(Outcome.CHANGED, Outcome.UNCHANGED, Outcome.UNCHANGED);
        }
    }

    @Test
    @DisplayName(
            "lines are appended where some are missing, after the end of the last line, and never to a missing file")
    default void onlyMissingLinesAreAppended() {
        String in = workspace(this);
        succeed(this, file(in + "/some", "b\nlast"));

        assertThat(outcome(this, new Step.AppendedLines(in + "/some", List.of("a", "b"))))
                .isEqualTo(Outcome.CHANGED);
        assertThat(outcome(this, file(in + "/some", "b\nlast\na\n"))).isEqualTo(Outcome.UNCHANGED);
        assertThat(outcome(this, new Step.RemovedLines(in + "/some", List.of("b", "c"))))
                .isEqualTo(Outcome.CHANGED);
        assertThat(outcome(this, file(in + "/some", "last\na\n"))).isEqualTo(Outcome.UNCHANGED);

        assertThat(outcome(this, new Step.AppendedLines(in + "/none", List.of("a"))))
                .isEqualTo(Outcome.UNCHANGED);
        assertThat(outcome(this, new Step.RemovedLines(in + "/none", List.of("a"))))
                .isEqualTo(Outcome.UNCHANGED);
        expect(this, "absent", new Reading.FileText(in + "/none"));
    }

    @Test
    @DisplayName("a removal takes a deep tree, and finds nothing the second time")
    default void deepTreesAreRemoved() {
        String top = workspace(this) + "/top";
        List<Step> steps = new ArrayList<>();
        StringBuilder path = new StringBuilder(top);
        for (int depth = 0; depth < 100; depth++) {
            steps.add(new Step.Directories(path.toString(), new Access(54321, depth % 2 == 0 ? 0700 : 0)));
            path.append("/d");
        }
        steps.add(file(path.append("eepest").toString(), "text"));
        succeed(this, steps.toArray(Step[]::new));

        assertThat(outcome(this, new Step.Removal(top))).isEqualTo(Outcome.CHANGED);
        assertThat(outcome(this, new Step.Removal(top))).isEqualTo(Outcome.UNCHANGED);
        succeed(this, Step.Command.of("test", "!", "-e", top));
    }

    @Test
    @DisplayName("a removal or emptying takes symbolic links and leaves their targets alone")
    default void targetsOfLinksAreLeft() {
        String in = workspace(this);
        succeed(
                this,
                new Step.Directories(in + "/target", Access.rootDirectory()),
                file(in + "/target/precious", "text"),
                new Step.Directories(in + "/tree", Access.rootDirectory()),
                Step.Command.of("ln", "-s", in + "/target", in + "/tree/link"),
                Step.Command.of("ln", "-s", in + "/target/precious", in + "/tree/file"),
                Step.Command.of("ln", "-s", in + "/nowhere", in + "/tree/dangling"),
                Step.Command.of("ln", "-s", in + "/target", in + "/link"));

        succeed(this, new Step.Removal(in + "/link"));
        assertThat(outcome(this, new Step.Emptying(in + "/tree"))).isEqualTo(Outcome.CHANGED);
        succeed(
                this,
                Step.Command.of("ln", "-s", in + "/target", in + "/tree/link"),
                Step.Command.of("ln", "-s", in + "/nowhere", in + "/dangling"),
                new Step.Removal(in + "/tree"));
        assertThat(outcome(this, new Step.Removal(in + "/dangling"))).isEqualTo(Outcome.CHANGED);

        expect(this, "text", new Reading.FileText(in + "/target/precious"));
        succeed(
                this,
                Step.Command.of("test", "!", "-e", in + "/tree"),
                Step.Command.of("test", "!", "-L", in + "/link"));
    }

    @Test
    @DisplayName("an emptied directory stays itself; nothing at all is empty; a symbolic link is refused")
    default void emptiedDirectoriesStay() {
        String in = workspace(this);
        Access access = new Access(54321, 0700);
        succeed(
                this,
                new Step.Directories(in + "/full", access),
                file(in + "/full/.hidden", "text"),
                file(in + "/full/..odd", "text"),
                new Step.Directories(in + "/full/below", access),
                file(in + "/full/below/file", "text"),
                Step.Command.of("ln", "-s", in + "/full", in + "/link"));

        assertThat(failure(this, new Step.Emptying(in + "/link"))).isNotBlank();
        expect(this, "text", new Reading.FileText(in + "/full/.hidden"));
        assertThat(outcome(this, new Step.Emptying(in + "/full"))).isEqualTo(Outcome.CHANGED);
        assertThat(outcome(this, new Step.Emptying(in + "/full"))).isEqualTo(Outcome.UNCHANGED);
        assertThat(outcome(this, new Step.Directories(in + "/full", access))).isEqualTo(Outcome.UNCHANGED);
        assertThat(outcome(this, new Step.Emptying(in + "/none"))).isEqualTo(Outcome.UNCHANGED);
        for (String gone : List.of(".hidden", "..odd", "below")) {
            succeed(this, Step.Command.of("test", "!", "-e", in + "/full/" + gone));
        }
    }
}
