package io.kloigos.http.lab;

import static org.assertj.core.api.Assertions.assertThat;

import io.kloigos.testkit.lab.Lab;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.extension.ExtendWith;

/** The Debian package on a real host: it serves at once, survives upgrades and reboots, and goes without a trace. */
@Tag("lab")
@Tag("thorough")
@ExtendWith(Narrator.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class PackageIT {
    private static final String TRACES = "getent passwd kloigos-server; getent group kloigos-server;"
            + " ls -d /etc/kloigos* /var/lib/kloigos* /usr/share/kloigos /usr/bin/kloigos /usr/share/man/man1/kloigos*"
            + " /usr/share/bash-completion/completions/kloigos /etc/systemd/system/*/kloigos*"
            + " /etc/systemd/system/kloigos* 2>/dev/null; systemctl list-units --all --plain --no-legend 'kloigos*'";

    private Lab lab;

    @BeforeAll
    void copyThePackageToAPristineHost() throws IOException, InterruptedException {
        lab = Lab.start(Lab.Release.BOOKWORM);
        lab.restore();
        copy(make("0.0.9"), "/root/kloigos_0.0.9_all.deb");
        copy(make(), "/root/kloigos_newer_all.deb");
    }

    private void copy(Path made, String path) throws IOException, InterruptedException {
        Process copy = lab.command("root", "dd", "of=" + path, "bs=1M", "status=none")
                .redirectInput(made.toFile())
                .start();
        assertThat(copy.waitFor()).isZero();
    }

    /** Returns the package, made of the jar that the build made; of the jar's own version unless another is given. */
    private static Path make(String... version) throws IOException, InterruptedException {
        Path jar = Path.of("target", "kloigos.jar");
        assertThat(jar)
                .as("made by the build with -Psingle-jar, as bin/verify does")
                .exists();
        List<String> argv = new ArrayList<>(List.of("src/deb/make", "target"));
        argv.addAll(List.of(version));
        Process make = new ProcessBuilder(argv)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        String path = new String(make.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        assertThat(make.waitFor()).isZero();
        assertThat(Files.size(Path.of(path))).isPositive();
        return Path.of(path);
    }

    @AfterAll
    void close() {
        if (lab != null) {
            lab.restore();
        }
    }

    private String whatTheServerKnows() {
        return lab.root(Scripts.read("servers-known.sh")).ok();
    }

    @Test
    @Order(10)
    void anInstalledServerServesAtOnceAndReachesHosts() {
        lab.root(
                        "cd /root; apt-get -q -y install ./kloigos_0.0.9_all.deb && cat /var/lib/kloigos-server/id_ed25519.pub >> /root/.ssh/authorized_keys")
                .ok();

        assertThat(whatTheServerKnows()).doesNotContain("itself");
        lab.root(Scripts.read("init-itself.sh")).ok();
        assertThat(whatTheServerKnows()).contains("\"hostname\":\"itself\"");
        assertThat(lab.root(
                                "systemctl is-enabled kloigos-server; systemctl show -p User --value kloigos-server; stat -c %U:%a /var/lib/kloigos-server")
                        .ok())
                .isEqualTo("enabled\nkloigos-server\nkloigos-server:700");
    }

    @Test
    @Order(15)
    void theCommandHasItsManPageAndCompletesInBash() {
        assertThat(lab.root("zcat /usr/share/man/man1/kloigos.1.gz | head -n 40")
                        .ok())
                .contains("kloigos");
        assertThat(lab.root(
                                "bash -c '. /usr/share/bash-completion/completions/kloigos; COMP_WORDS=(kloigos un); COMP_CWORD=1;"
                                        + " $(complete -p kloigos | grep -o \"_[a-z_]*\"); echo ${COMPREPLY[*]}'")
                        .ok())
                .isEqualTo("unit");
    }

    @Test
    @Order(20)
    void anUpgradeKeepsSettingsAndInventory() {
        lab.root("echo '# mine' >> /etc/kloigos-server/kloigos.yaml").ok();
        assertThat(lab.root("stat -c '%a %U:%G' /etc/kloigos-server/kloigos.yaml")
                        .ok())
                .isEqualTo("640 root:kloigos-server");
        String before =
                lab.root("systemctl show -p MainPID --value kloigos-server").ok();

        assertThat(lab.root("cd /root; apt-get -q -y install ./kloigos_newer_all.deb 2>&1")
                        .ok())
                .contains("over (0.0.9)");

        assertThat(whatTheServerKnows()).contains("\"hostname\":\"itself\"");
        assertThat(lab.root("systemctl show -p MainPID --value kloigos-server").ok())
                .isNotEqualTo(before)
                .isNotEqualTo("0");
        assertThat(lab.root("tail -n 1 /etc/kloigos-server/kloigos.yaml").ok()).isEqualTo("# mine");
    }

    @Test
    @Order(30)
    void aRebootStartsItAgain() {
        lab.reboot();

        assertThat(whatTheServerKnows()).contains("\"hostname\":\"itself\"");
    }

    @Test
    @Order(35)
    void theGuideLeadsToAServerForOthers() {
        String token = lab.root("runuser -u kloigos-server --"
                        + " kloigos token create ann --role admin --database /var/lib/kloigos-server/kloigos.db")
                .ok();

        assertThat(lab.root(Scripts.read("serve-others.sh"), token.strip()).ok())
                .isEqualTo("with the token: 200, without: 401");
    }

    @Test
    @Order(40)
    void aPurgeLeavesNothing() {
        // The host that it managed here is itself, and keeps what is of a host.
        lab.root("rm -rf /etc/kloigos /var/lib/kloigos; dpkg --purge kloigos").ok();

        assertThat(lab.root(TRACES + "; true").ok().lines().filter(line -> !line.contains("kloigos-ports")))
                .isEmpty();
    }
}
