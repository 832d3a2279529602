package io.kloigos.http;

import io.kloigos.model.ErrorCode;
import io.kloigos.model.KloigosException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.Signature;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.eclipse.jetty.util.ssl.SslContextFactory;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A certificate and its key in PEM files, which are looked at for changes. What cannot be read after a change is logged, and the
 * former goes on being shown. Thread-safe.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc7468">RFC 7468, Textual Encodings of PKIX, PKCS, and CMS Structures</a>
 */
final class TlsCertificate implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(TlsCertificate.class);
    private static final Pattern KEY =
            Pattern.compile("-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\\s]+)-----END PRIVATE KEY-----");
    private static final Map<String, String> SIGNATURES =
            Map.of("RSA", "SHA256withRSA", "EC", "SHA256withECDSA", "Ed25519", "Ed25519", "EdDSA", "EdDSA");
    private static final int LOOKING_EVERY_SECONDS = 5;

    private final AccessSettings.Tls files;
    private final SslContextFactory.Server context = new SslContextFactory.Server();
    private final ScheduledExecutorService looking = new ScheduledThreadPoolExecutor(1, task -> {
        Thread thread = new Thread(task, "kloigos-certificate");
        thread.setDaemon(true);
        return thread;
    });
    private String shown;

    /** What could not be shown at the newest look. */
    private String unusable = "";

    /** What was complained of. */
    private String complainedOf = "";

    /**
     * A certificate to be shown.
     *
     * @throws KloigosException INVALID_REQUEST if the files cannot be used
     */
    TlsCertificate(AccessSettings.Tls files) {
        this.files = files;
        this.shown = content();
        show();
        var unused = looking.scheduleWithFixedDelay(
                this::look, LOOKING_EVERY_SECONDS, LOOKING_EVERY_SECONDS, TimeUnit.SECONDS);
    }

    SslContextFactory.Server context() {
        return context;
    }

    /** Shows the certificate that is in the files now, if it is another. */
    synchronized void look() {
        String now = "";
        try {
            now = content();
            if (!now.equals(shown)) {
                reload();
                shown = now;
                LOG.info("The certificate in {} is shown from now on", files.certificate());
            }
            unusable = "";
            complainedOf = "";
        } catch (KloigosException e) {
            complain(now + e.getMessage(), e);
        }
    }

    /** Logs once what two looks have found: at the first, one of the two files may not have been replaced yet. */
    private void complain(String found, KloigosException why) {
        if (found.equals(unusable) && !found.equals(complainedOf)) {
            LOG.error("The files of the certificate have changed, and the former is shown still: {}", why.getMessage());
            complainedOf = found;
        }
        unusable = found;
    }

    /** What Jetty does with the key store is asked of it as a task, since it says only that it throws. */
    private void reload() {
        FutureTask<Void> reload = new FutureTask<>(() -> {
            context.reload(same -> show());
            return null;
        });
        reload.run();
        try {
            reload.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof KloigosException refusal) {
                throw refusal;
            }
            throw refusal(files.certificate(), "the TLS of this server does not take it: " + e.getCause(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void show() {
        context.setKeyStore(read(files));
        context.setKeyStorePassword("");
    }

    private String content() {
        return text(files.certificate()) + text(files.key());
    }

    private static String text(Path file) {
        try {
            return Files.readString(file, StandardCharsets.US_ASCII);
        } catch (IOException e) {
            throw refusal(file, "it cannot be read as text: check that it exists and that you may read it", e);
        }
    }

    private static KloigosException refusal(Path file, String why, Exception cause) {
        return new KloigosException(
                ErrorCode.INVALID_REQUEST, "Cannot use " + file.toAbsolutePath() + " for TLS: " + why + ".", cause);
    }

    /**
     * Returns the certificate and key in two files.
     *
     * @throws KloigosException INVALID_REQUEST if there are none, or do not belong together
     */
    static KeyStore read(AccessSettings.Tls files) {
        List<Certificate> chain = chain(files.certificate());
        PrivateKey key = key(files.key(), chain.get(0).getPublicKey());
        try {
            KeyStore store = KeyStore.getInstance("PKCS12");
            store.load(null, null);
            store.setKeyEntry("kloigos", key, new char[0], chain.toArray(new Certificate[0]));
            return store;
        } catch (GeneralSecurityException | IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private static List<Certificate> chain(Path file) {
        try {
            List<Certificate> chain = new ArrayList<>(CertificateFactory.getInstance("X.509")
                    .generateCertificates(new ByteArrayInputStream(text(file).getBytes(StandardCharsets.US_ASCII))));
            if (chain.isEmpty()) {
                throw new GeneralSecurityException("no certificate");
            }
            return chain;
        } catch (GeneralSecurityException e) {
            throw refusal(file, "it holds no certificate in PEM", e);
        }
    }

    private static PrivateKey key(Path file, PublicKey certified) {
        Matcher matcher = KEY.matcher(text(file));
        if (!matcher.find()) {
            throw refusal(
                    file,
                    "it holds no \"BEGIN PRIVATE KEY\"; other keys are made so by"
                            + " openssl pkcs8 -topk8 -nodes -in OLD -out NEW",
                    new GeneralSecurityException("no key"));
        }
        try {
            byte[] encoded = Base64.getMimeDecoder().decode(matcher.group(1));
            PrivateKey key =
                    KeyFactory.getInstance(certified.getAlgorithm()).generatePrivate(new PKCS8EncodedKeySpec(encoded));
            requirePair(key, certified);
            return key;
        } catch (GeneralSecurityException | IllegalArgumentException e) {
            throw refusal(file, "its key is not that of the certificate", e);
        }
    }

    private static void requirePair(PrivateKey key, PublicKey certified) throws GeneralSecurityException {
        byte[] challenge = new byte[32];
        new SecureRandom().nextBytes(challenge);
        String algorithm = SIGNATURES.get(certified.getAlgorithm());
        Signature signature = Signature.getInstance(Objects.requireNonNullElse(algorithm, ""));
        signature.initSign(key);
        signature.update(challenge);
        byte[] signed = signature.sign();
        signature.initVerify(certified);
        signature.update(challenge);
        if (!signature.verify(signed)) {
            throw new GeneralSecurityException("another key");
        }
    }

    @Override
    public void close() {
        looking.shutdownNow();
    }
}
