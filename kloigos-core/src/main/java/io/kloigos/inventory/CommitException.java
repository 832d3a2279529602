package io.kloigos.inventory;

import org.jdbi.v3.core.JdbiException;

/** A commit that failed, so that what was written may be there or not: its answer may be all that was lost. */
final class CommitException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    CommitException(JdbiException cause) {
        super(cause);
    }
}
