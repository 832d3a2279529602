package io.kloigos.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.deque.html.axecore.playwright.AxeBuilder;
import com.deque.html.axecore.results.Rule;
import com.microsoft.playwright.Browser;
import com.microsoft.playwright.BrowserContext;
import com.microsoft.playwright.BrowserType.LaunchOptions;
import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.Playwright;
import com.microsoft.playwright.options.AriaRole;
import com.microsoft.playwright.options.ColorScheme;
import com.microsoft.playwright.options.ReducedMotion;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;

/** Chromium of this machine. What a page complains of, and what it fetches from elsewhere, fails the test. */
public final class ConsoleBrowser implements AutoCloseable {
    private static final Path CHROMIUM = Path.of("/usr/bin/chromium");
    private static final List<String> WORST = List.of("serious", "critical");

    private final Playwright playwright =
            Playwright.create(new Playwright.CreateOptions().setEnv(Map.of("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1")));
    private final Browser chromium = playwright
            .chromium()
            .launch(new LaunchOptions()
                    .setExecutablePath(CHROMIUM)
                    // Chromium's sandbox refuses to run as root, and only these tests' own pages are opened.
                    .setArgs(List.of("--no-sandbox")));
    private final List<String> complaints = new CopyOnWriteArrayList<>();

    /** Starts Chromium. */
    public ConsoleBrowser() {}

    /** Opens a page of its own, in light colours. */
    public Page open(String url) {
        return open(url, ColorScheme.LIGHT);
    }

    /** Opens a page of its own. */
    public Page open(String url, ColorScheme scheme) {
        BrowserContext context = chromium.newContext(new Browser.NewContextOptions()
                .setColorScheme(scheme)
                .setViewportSize(1280, 900)
                .setReducedMotion(ReducedMotion.REDUCE));
        context.setDefaultTimeout(15_000);
        Page page = context.newPage();
        page.onPageError(error -> complaints.add(page.url() + ": " + error));
        page.onConsoleMessage(message -> {
            // A refused request is told by the page itself.
            if (message.type().equals("error") && !message.text().startsWith("Failed to load resource")) {
                complaints.add(page.url() + ": " + message.text());
            }
        });
        page.onResponse(response -> {
            if (response.status() == 403) {
                complaints.add(page.url() + " asks for what is refused to the role: " + response.url());
            }
        });
        page.onRequest(request -> {
            if (!request.url().startsWith(origin(url))) {
                complaints.add(page.url() + " fetches " + request.url());
            }
        });
        page.navigate(url);
        return page;
    }

    private static String origin(String url) {
        return url.substring(0, url.indexOf('/', "http://".length()));
    }

    /** Makes sure that axe finds nothing serious. */
    static void requireAccessible(Page page) {
        requireNothingSerious(page, new AxeBuilder(page));
    }

    /** Makes sure that axe finds nothing that is hard to tell from its background. */
    static void requireContrast(Page page) {
        requireNothingSerious(page, new AxeBuilder(page).withRules(List.of("color-contrast")));
    }

    private static void requireNothingSerious(Page page, AxeBuilder axe) {
        List<Rule> violations = axe.setLegacyMode(true).analyze().getViolations();
        assertThat(violations.stream().filter(rule -> WORST.contains(rule.getImpact())))
                .as("serious findings of axe on " + page.url())
                .allSatisfy(rule -> assertThat(rule.getNodes().stream()
                                .map(node -> rule.getId() + ": " + node.getHtml() + " " + node.getFailureSummary()))
                        .isEmpty());
    }

    /** Returns the button of exactly this name. */
    public static Locator button(Page page, String name) {
        return page.getByRole(
                AriaRole.BUTTON, new Page.GetByRoleOptions().setName(name).setExact(true));
    }

    /** Forgets the pages of a test, and makes sure that none of them complained. */
    public void requireQuiet() {
        chromium.contexts().forEach(BrowserContext::close);
        List<String> found = List.copyOf(complaints);
        complaints.clear();
        assertThat(found).isEmpty();
    }

    @Override
    public void close() {
        chromium.close();
        playwright.close();
    }
}
