package io.kloigos.http.lab;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static io.kloigos.http.ConsoleBrowser.button;
import static org.assertj.core.api.Assertions.assertThat;

import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.assertions.LocatorAssertions.ContainsTextOptions;
import io.kloigos.http.ConsoleBrowser;
import io.kloigos.testkit.lab.Lab;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** An operator's whole day in the console, in Chromium before a server that has a real Debian 12 host. */
@Tag("lab")
@Tag("thorough")
@ExtendWith(Narrator.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ConsoleLabIT {
    private static final int PATIENCE = 120_000;

    private Lab lab;
    private ServerProcess server;
    private ConsoleBrowser browser;
    private Page page;

    @BeforeAll
    void open(@TempDir Path directory) {
        lab = Lab.start(Lab.Release.BOOKWORM);
        lab.restore();
        server = ServerProcess.start(directory.resolve("kloigos.db"), lab);
        browser = new ConsoleBrowser();
        page = browser.open(server.console() + "/");
        page.context().grantPermissions(List.of("clipboard-read", "clipboard-write"));
    }

    @AfterAll
    void close() {
        if (browser != null) {
            browser.close();
        }
        if (server != null) {
            server.close();
        }
    }

    private void awaitText(Locator locator, String text) {
        assertThat(locator).containsText(text, new ContainsTextOptions().setTimeout(PATIENCE));
    }

    private void fill(String label, String text) {
        page.getByLabel(Pattern.compile("^" + label + "( \\*)?$")).fill(text);
    }

    private void destroy(String action, String name) {
        button(page, action).click();
        page.locator("#dialog-name").fill(name);
        page.locator("dialog button[type=submit]").click();
        assertThat(page.locator("dialog")).hasCount(0);
    }

    /** Runs a command in the unit by the command line that the console has put into the clipboard. */
    private String asTenant(String script) throws IOException, InterruptedException {
        button(page, "Copy the login command").click();
        assertThat(page.getByText("Copied")).isVisible();
        String copied = (String) page.evaluate("navigator.clipboard.readText()");
        List<String> words = new ArrayList<>(List.of(copied.split(" ")));
        words.addAll(
                1,
                List.of(
                        "-i",
                        lab.privateKey().toString(),
                        "-o",
                        "UserKnownHostsFile=" + lab.knownHosts(),
                        "-o",
                        "BatchMode=yes"));
        words.add(script);
        Process ssh = new ProcessBuilder(words).redirectErrorStream(true).start();
        ssh.getOutputStream().close();
        String out = new String(ssh.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        assertThat(ssh.waitFor()).as(copied + ": " + out).isZero();
        return out;
    }

    @Test
    void aHostIsCutUsedAndGivenBack() throws IOException, InterruptedException {
        initHost();
        allocate();
        page.navigate(server.console() + "/units/host1_4-7");
        assertThat(asTenant("nproc; id -un")).isEqualTo("4\nu4-7");
        watchABusyUnit();

        destroy("Deallocate", "host1_4-7");
        awaitText(page.locator(".page-heading"), "free");
        awaitText(page.locator("main"), "Nothing of the last tenant was left");
        assertThat(lab.root("pgrep -c -u u4-7; ls /mnt/c4-7 /dev/shm | grep -c -e file -e held; true")
                        .ok())
                .isEqualTo("0\n0");

        page.navigate(server.console() + "/servers/host1");
        button(page, "Look now").click();
        awaitText(page.locator("main"), "As the inventory says");
        destroy("Decommission", "host1");
        awaitText(page.locator("main"), "Now there is no such server");
        assertThat(lab.root(
                                "ls -d /etc/kloigos /etc/systemd/system/kloigos* 2>/dev/null | wc -l; getent passwd u4-7 u8-11 | wc -l")
                        .ok())
                .isEqualTo("0\n0");
        browser.requireQuiet();
    }

    private void initHost() {
        page.navigate(server.console() + "/init");
        fill("Host name", "host1");
        fill("Address", "127.0.0.1");
        fill("Region", "lab");
        fill("Zone", "a");
        page.getByLabel("Cut into").selectOption("cpu_ranges");
        fill("CPU sets", "4-7\n8-11");
        fill("Data disks", "/dev/vdb");
        page.getByText("Login", new Page.GetByTextOptions().setExact(true)).click();
        fill("SSH port", Integer.toString(lab.port()));
        page.getByText("Limits of each unit").click();
        fill("Memory", "512M");
        fill("Tasks", "300");
        awaitText(page.locator(".beside"), "Linux 6.1");
        assertThat(page.locator(".cut li")).hasCount(2);
        button(page, "Init").click();
        awaitText(page.locator(".log-head"), "succeeded");
    }

    private void allocate() {
        page.navigate(server.console() + "/allocate");
        fill("CPUs", "4");
        fill("Tags", "deployment_id=web");
        fill("SSH public keys", lab.publicKey());
        awaitText(page.locator(".beside"), "host1_4-7");
        button(page, "Allocate").click();
        awaitText(page.locator(".beside"), "is the tenant's");
    }

    /** Two loops, 200 MiB held, 40 MiB written and a port: the page must tell as much. */
    private void watchABusyUnit() throws IOException, InterruptedException {
        asTenant("for i in 1 2; do systemd-run --user -q sh -c 'while :; do :; done'; done;"
                + " systemd-run --user -q python3 -m http.server 2005 --bind 127.0.0.1;"
                + " dd if=/dev/zero of=/dev/shm/held bs=1M count=200 2>/dev/null;"
                + " dd if=/dev/zero of=/mnt/c4-7/file bs=1M count=40 conv=fsync 2>/dev/null");
        Locator charts = page.locator(".sparks");
        assertThat(charts)
                .containsText(
                        Pattern.compile("CPU\\s+(1\\.[89]|2\\.[0-3])\\d CPUs\\s+of 4\\.00 CPUs"),
                        new ContainsTextOptions().setTimeout(PATIENCE));
        assertThat(charts).containsText(Pattern.compile("Memory\\s+2[0-9]{2} MiB\\s+of 512 MiB"));
        assertThat(charts).containsText(Pattern.compile("Disk /var/lib/kloigos/data0\\s+40(\\.\\d)? MiB"));
        assertThat(page.locator(".ports")).containsText("tcp 2005");
    }
}
