package io.kloigos.model;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One line of an OpenSSH public key file: type, base64 key, optional comment. Options such as {@code command="..."} are
 * refused: what a tenant may do is the unit's business, not the key's.
 *
 * @param line the line, without a line break
 * @see <a href="https://man7.org/linux/man-pages/man8/sshd.8.html">sshd(8), AUTHORIZED_KEYS FILE FORMAT</a>
 */
public record SshPublicKey(String line) {
    /** The accepted types, and of how many strings their body is made: RFC 4253, 6.6, RFC 5656, 3.1, PROTOCOL.u2f. */
    private static final Map<String, Integer> TYPES = Map.of(
            "ssh-ed25519", 2,
            "ecdsa-sha2-nistp256", 3,
            "ecdsa-sha2-nistp384", 3,
            "ecdsa-sha2-nistp521", 3,
            "ssh-rsa", 3,
            "sk-ssh-ed25519@openssh.com", 3,
            "sk-ecdsa-sha2-nistp256@openssh.com", 4);

    private static final int LONGEST = 8192;
    private static final int MOST = 64;
    private static final Pattern FORMAT = Pattern.compile("(\\S+) +([A-Za-z0-9+/]+={0,2})(?: +(.*))?");

    public SshPublicKey {
        if (line.length() > LONGEST) {
            throw invalid("has " + line.length() + " characters, more than " + LONGEST);
        }
        line = line.strip();
        if (line.chars().anyMatch(c -> c < 0x20 || c == 0x7f)) {
            throw invalid("contains a line break or another control character: give one key on one line");
        }
        Matcher matcher = FORMAT.matcher(line);
        if (!matcher.matches()) {
            throw invalid("is not of the form \"TYPE BASE64 [COMMENT]\", such as a line of id_ed25519.pub");
        }
        String type = matcher.group(1);
        Integer strings = TYPES.get(type);
        if (strings == null) {
            throw invalid("does not begin with a key type that sshd accepts, one of "
                    + TYPES.keySet().stream().sorted().toList() + " (options before the type are not accepted)");
        }
        List<byte[]> body = strings(matcher.group(2));
        if (body.size() != strings || !type.equals(new String(body.get(0), StandardCharsets.US_ASCII))) {
            throw invalid("has a key body that is not a whole " + type + " key: copy the line again");
        }
    }

    /**
     * Returns these keys if a tenant can log in with any of them: 1 to 64, none of them twice.
     *
     * @throws KloigosException INVALID_REQUEST with every fault, below {@code ssh_public_keys}
     */
    public static List<SshPublicKey> several(List<SshPublicKey> keys) {
        Faults faults = new Faults();
        if (keys.isEmpty() || keys.size() > MOST) {
            faults.add(
                    "ssh_public_keys",
                    "a unit has 1 to " + MOST + " SSH public keys, not " + keys.size(),
                    "ssh_public_keys");
        }
        for (int i = 0; i < keys.size(); i++) {
            if (keys.indexOf(keys.get(i)) < i) {
                faults.add("ssh_public_keys", "the SSH public key is given twice", "ssh_public_keys", i);
            }
        }
        faults.throwIfAny(ErrorCode.INVALID_REQUEST, "Cannot use these SSH public keys");
        return List.copyOf(keys);
    }

    /** Returns the strings, each after its length, that make the whole body; none if it ends within one. */
    private static List<byte[]> strings(String base64) {
        ByteBuffer body;
        try {
            body = ByteBuffer.wrap(Base64.getDecoder().decode(base64));
        } catch (IllegalArgumentException e) {
            return List.of();
        }
        List<byte[]> strings = new ArrayList<>();
        while (body.hasRemaining()) {
            int length = body.remaining() >= Integer.BYTES ? body.getInt() : 0;
            if (length < 1 || length > body.remaining()) {
                return List.of();
            }
            byte[] string = new byte[length];
            body.get(string);
            strings.add(string);
        }
        return strings;
    }

    private static KloigosException invalid(String why) {
        return KloigosException.invalid("ssh_public_key", "the SSH public key " + why);
    }

    @Override
    public String toString() {
        return line;
    }
}
