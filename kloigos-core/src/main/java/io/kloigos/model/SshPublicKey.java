package io.kloigos.model;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Set;
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
    private static final Set<String> TYPES = Set.of(
            "ssh-ed25519",
            "ecdsa-sha2-nistp256",
            "ecdsa-sha2-nistp384",
            "ecdsa-sha2-nistp521",
            "ssh-rsa",
            "sk-ssh-ed25519@openssh.com",
            "sk-ecdsa-sha2-nistp256@openssh.com");
    private static final int LONGEST = 8192;
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
        if (!TYPES.contains(type)) {
            throw invalid("does not begin with a key type that sshd accepts, one of "
                    + TYPES.stream().sorted().toList() + " (options before the type are not accepted)");
        }
        if (!type.equals(innerType(matcher.group(2)))) {
            throw invalid("has a key body that is not a whole " + type + " key: copy the line again");
        }
    }

    private static String innerType(String base64) {
        try {
            ByteBuffer body = ByteBuffer.wrap(Base64.getDecoder().decode(base64));
            int length = body.remaining() >= 4 ? body.getInt() : -1;
            // RFC 4253, 6.6: a string with the type, then at least one more string.
            if (length < 1 || length > 64 || body.remaining() < length + 36) {
                return "";
            }
            byte[] type = new byte[length];
            body.get(type);
            return new String(type, StandardCharsets.US_ASCII);
        } catch (IllegalArgumentException e) {
            return "";
        }
    }

    private static KloigosException invalid(String why) {
        return KloigosException.invalid("ssh_public_key", "the SSH public key " + why);
    }

    @Override
    public String toString() {
        return line;
    }
}
