package io.kloigos.http;

import io.kloigos.model.ForcedRelease;
import io.kloigos.model.ReleaseCertificate;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A certificate as the API tells it; described in the API document under the same name. */
record CertificateResponse(
        String computeId,
        String operationId,
        Instant at,
        boolean clean,
        @Nullable String discard,
        @Nullable String forcedReason,
        List<Finding> findings) {

    record Finding(String trace, String state, @Nullable String detail) {
        static Finding of(ReleaseCertificate.Finding finding) {
            return new Finding(
                    finding.trace().toString(),
                    finding.state().toString(),
                    finding.detail().isEmpty() ? null : finding.detail());
        }
    }

    static CertificateResponse of(ReleaseCertificate certificate) {
        ForcedRelease forced = certificate.forced();
        return new CertificateResponse(
                certificate.computeId().value(),
                certificate.operationId(),
                certificate.at(),
                certificate.isClean(),
                certificate.discard() == null ? null : certificate.discard().toString(),
                forced == null ? null : forced.reason().text(),
                certificate.findings().stream().map(Finding::of).toList());
    }
}
