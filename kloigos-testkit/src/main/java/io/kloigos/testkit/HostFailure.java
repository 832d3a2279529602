package io.kloigos.testkit;

import io.kloigos.model.HostFacts;
import java.util.function.UnaryOperator;

/** A way in which a fake host fails, given to {@link FakeHost#inject}. Steps are counted from 0. */
public sealed interface HostFailure {
    /** Whether a failing step leaves its effect behind. */
    enum Effect {
        /** The step fails without having changed anything. */
        MISSING,
        /** The step changes the host and fails all the same. */
        DONE
    }

    /** What becomes of a plan on the host when its connection is lost. */
    enum Rest {
        /** The host carries on to the end of the plan. */
        GOES_ON,
        /** The plan ends where it was, as when the host loses power; applied again, it begins again. */
        IS_LOST
    }

    /** The host cannot be reached. */
    record RefuseConnection() implements HostFailure {}

    /** The host does not accept the login. */
    record RefuseLogin() implements HostFailure {}

    /** Another host answers: its key is not the one pinned. */
    record WrongHostKey() implements HostFailure {}

    /** The plan's lock is held by somebody else for as long as the plan may wait. */
    record Busy() implements HostFailure {}

    /**
     * The connection is lost after a step took effect.
     *
     * @param step the last step that is known to have happened
     * @param rest what becomes of those after it
     */
    record DropAfterStep(int step, Rest rest) implements HostFailure {}

    /**
     * A step fails.
     *
     * @param step which
     * @param effect whether it changes the host before it fails
     */
    record FailStep(int step, Effect effect) implements HostFailure {}

    /**
     * The disks are full from a step on until the plan ends: what writes to a file, makes one or makes a directory fails as
     * on a real host, with "No space left on device". What is in the kernel's or in memory (/proc, /sys, /run and every
     * tmpfs) can be written, and what is there can be removed. For a disk that stays full, inject it as many times.
     *
     * @param step the first step that finds no room
     */
    record DiskFull(int step) implements HostFailure {}

    /** The whole plan is applied, and the reply is lost. */
    record LoseReply() implements HostFailure {}

    /**
     * The plan stops before a step until {@link FakeHost#heal()}, or until its time limit is over.
     *
     * @param step which
     */
    record Stall(int step) implements HostFailure {}

    /**
     * The host tells something else about itself than what is true.
     *
     * @param lie makes the facts told of the true ones
     */
    record WrongFacts(UnaryOperator<HostFacts> lie) implements HostFailure {}
}
