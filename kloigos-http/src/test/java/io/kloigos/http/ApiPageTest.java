package io.kloigos.http;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.options.ColorScheme;
import com.microsoft.playwright.options.RequestOptions;
import io.kloigos.model.Role;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The page that shows the API document, in Chromium, which complains of whatever the Content-Security-Policy forbids. */
@Tag("long")
class ApiPageTest {
    private static final String SCREENSHOT = System.getProperty("kloigos.apiPageScreenshot", "");

    private static ConsoleBrowser browser;

    private TestServer test;

    @BeforeAll
    static void launch() {
        browser = new ConsoleBrowser();
    }

    @AfterAll
    static void quit() {
        browser.close();
    }

    @BeforeEach
    void start(@TempDir Path directory) {
        test = new TestServer(directory).withHost1();
    }

    @AfterEach
    void stop() {
        browser.requireQuiet();
        test.close();
    }

    private String url(String path) {
        return "http://127.0.0.1:" + test.server.port() + path;
    }

    private static Locator uncordon(Page page) {
        return page.locator(".opblock", new Page.LocatorOptions().setHasText("/api/servers/{hostname}/uncordon"));
    }

    /** Sends the request that begins with a click on "Try it out", and returns what the page shows of the answer. */
    private static Locator tryUncordon(Page page) {
        Locator block = uncordon(page);
        block.locator(".opblock-summary-control").click();
        block.locator(".try-out__btn").click();
        block.locator("input[placeholder=hostname]").fill("host1");
        block.locator(".execute").click();
        return block.locator(".live-responses-table tbody .response-col_status");
    }

    @Test
    void showsWhatThereIsAndSendsIt() {
        Page page = browser.open(url("/docs"));

        assertThat(page.locator(".opblock-summary-path[data-path='/readyz']")).isVisible();
        assertThat(tryUncordon(page)).containsText("200");
        if (!SCREENSHOT.isEmpty()) {
            page.screenshot(new Page.ScreenshotOptions().setPath(Path.of(SCREENSHOT)));
        }
    }

    @Test
    void hasTheColoursOfTheConsole() {
        Page page = browser.open(url("/docs"), ColorScheme.DARK);
        assertThat(page.locator(".opblock-summary-path").first()).isVisible();
        assertThat(page.locator("html.dark-mode")).hasCSS("background-color", "rgb(28, 32, 34)");
        ConsoleBrowser.requireContrast(page);

        page.emulateMedia(new Page.EmulateMediaOptions().setColorScheme(ColorScheme.LIGHT));
        assertThat(page.locator("html:not(.dark-mode)")).hasCSS("background-color", "rgb(255, 255, 255)");
        page.evaluate("localStorage.setItem('kloigos-theme', 'dark')");
        page.reload();
        assertThat(page.locator("html.dark-mode")).hasCount(1);
    }

    @Test
    void asksToLogInAndThenSendsTheSession() {
        String token = test.token(Role.OPERATOR, null).text();
        Page page = browser.open(url("/docs"));
        assertThat(page.locator("main")).containsText("Log in");

        int status = page.request()
                .post(
                        url("/api/session"),
                        RequestOptions.create().setHeader("Origin", url("")).setData(Map.of("token", token)))
                .status();
        assertThat(status).isEqualTo(200);
        page.reload();
        assertThat(page.locator("#who")).hasText("as operator");
        assertThat(tryUncordon(page)).containsText("200");
    }

    @Test
    void sendsATokenInPlaceOfTheSession() {
        String reader = test.token(Role.READ_ONLY, null).text();
        String operator = test.token(Role.OPERATOR, null).text();
        Page page = browser.open(url("/docs"));
        page.request().post(url("/api/session"), RequestOptions.create().setData(Map.of("token", reader)));
        page.reload();
        page.locator(".authorize").first().click();
        Locator dialog = page.locator(".dialog-ux");
        dialog.locator("input").first().fill(operator);
        dialog.locator("button.authorize").first().click();
        dialog.locator(".close-modal").click();

        assertThat(tryUncordon(page)).containsText("200");
    }
}
