package io.kloigos.planner;

import io.kloigos.model.HostFacts;
import io.kloigos.spi.Reading;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads anew, with a look for drift, those facts of a host that decide what its units cannot be kept from: another kernel, a mail
 * transfer agent or a mount option changes them. Pure.
 */
public final class FactsProbe {
    private static final String ABSENT = "absent";
    private static final String SENDMAIL = "/usr/sbin/sendmail";
    private static final Pattern HIDDEN = Pattern.compile("[ ,]hidepid=([^, ]+)");

    private FactsProbe() {}

    /** Returns what is to be read on the host. */
    public static List<Reading> readings() {
        List<Reading> readings = new ArrayList<>();
        HostFacts.SETTINGS.forEach(name -> readings.add(new Reading.FileText(new HostFiles.Setting(name, "").path())));
        readings.add(new Reading.FileLine("/proc/mounts", "proc /proc "));
        List<String> paths = new ArrayList<>(
                HostFacts.MAILERS.stream().map(FactsProbe::cgroup).toList());
        paths.add(SENDMAIL);
        readings.add(new Reading.Entries(paths));
        return readings;
    }

    /**
     * Returns the facts with what was read. Settings that Kloigos changes stay as they were before init, as long as the kernel has them:
     * what they are now is a matter of drift.
     *
     * @param texts what was read, in the order of {@link #readings}
     */
    public static HostFacts update(HostFacts facts, List<String> texts) {
        Map<String, String> settings = new HashMap<>();
        Set<String> changed = Set.copyOf(HostFiles.settingsBefore(facts).stream()
                .map(HostFiles.Setting::name)
                .toList());
        for (int i = 0; i < HostFacts.SETTINGS.size(); i++) {
            String name = HostFacts.SETTINGS.get(i);
            String found = texts.get(i);
            if (!found.equals(ABSENT)) {
                settings.put(name, changed.contains(name) ? facts.settings().getOrDefault(name, found) : found);
            }
        }
        Matcher hidden = HIDDEN.matcher(texts.get(HostFacts.SETTINGS.size()));
        settings.put(HostFacts.HIDEPID, hidden.find() ? hidden.group(1) : "off");
        return facts.with(settings, mailers(texts.get(HostFacts.SETTINGS.size() + 1)));
    }

    private static Set<String> mailers(String entries) {
        Set<String> found = new HashSet<>();
        for (String name : HostFacts.MAILERS) {
            if (entries.lines().anyMatch(line -> line.endsWith(" " + cgroup(name)))) {
                found.add(name.substring(name.lastIndexOf('/') + 1));
            }
        }
        if (found.isEmpty() && entries.lines().anyMatch(line -> line.endsWith(" " + SENDMAIL))) {
            found.add("sendmail");
        }
        return found;
    }

    private static String cgroup(String mailer) {
        return "/sys/fs/cgroup/system.slice/" + mailer;
    }
}
