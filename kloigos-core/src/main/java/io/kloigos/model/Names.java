package io.kloigos.model;

import java.nio.charset.StandardCharsets;
import java.util.regex.Pattern;
import java.util.zip.CRC32;

/** The rules for names: what operators may choose, and how units are named after their CPUs. */
final class Names {
    private static final Pattern HOSTNAME =
            Pattern.compile("(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*");
    private static final Pattern PLACE = Pattern.compile("[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?");
    private static final Pattern SSH_USER = Pattern.compile("[a-z_][a-z0-9_.-]{0,30}");
    private static final Pattern DEVICE = Pattern.compile("/dev/[A-Za-z0-9][A-Za-z0-9_.+:/-]{0,160}");
    private static final Pattern VOLUME_GROUP = Pattern.compile("[A-Za-z0-9][A-Za-z0-9+_.-]{0,126}");
    // useradd(8) and utmp hold 32 bytes; one is the leading letter.
    private static final int LONGEST_SUFFIX = 30;

    private Names() {}

    /** Returns the CPU set as part of a name: commas become underscores; long ones end in a stable checksum. */
    static String suffix(CpuSet cpus) {
        String plain = cpus.toString().replace(',', '_');
        if (plain.length() <= LONGEST_SUFFIX) {
            return plain;
        }
        CRC32 checksum = new CRC32();
        checksum.update(plain.getBytes(StandardCharsets.US_ASCII));
        return plain.substring(0, LONGEST_SUFFIX - 9) + String.format("-%08x", checksum.getValue());
    }

    static void requireHostname(String hostname) {
        if (!HOSTNAME.matcher(hostname).matches()) {
            throw KloigosException.invalid(
                    "hostname",
                    "\"" + shown(hostname)
                            + "\" is not a host name: lower-case letters, digits, hyphens and dots, as in"
                            + " RFC 1123");
        }
    }

    static void requirePlace(String what, String name) {
        if (!PLACE.matcher(name).matches()) {
            throw KloigosException.invalid(
                    what,
                    "\"" + shown(name) + "\" is not a " + what + ": 1 to 63 letters, digits, dots, hyphens and"
                            + " underscores, beginning and ending with a letter or digit");
        }
    }

    static void requireSshUser(String user) {
        if (!SSH_USER.matcher(user).matches()) {
            throw KloigosException.invalid("ssh_user", "\"" + shown(user) + "\" is not a Unix user name");
        }
    }

    static void requireDevice(String device) {
        if (!DEVICE.matcher(device).matches() || device.contains("/../") || device.endsWith("/..")) {
            throw KloigosException.invalid("device", "\"" + shown(device) + "\" is not a device path such as /dev/sdb");
        }
    }

    static void requireVolumeGroup(String group) {
        if (!VOLUME_GROUP.matcher(group).matches()) {
            throw KloigosException.invalid(
                    "volume_group",
                    "\"" + shown(group)
                            + "\" is not a volume group: 1 to 127 letters, digits and + _ . -, beginning with a"
                            + " letter or digit");
        }
    }

    private static String shown(String text) {
        return text.length() <= 80 ? text : text.substring(0, 80) + "...";
    }
}
