package io.kloigos.spi;

import io.kloigos.model.HostFacts;
import java.util.List;

/** A session on one host, used by one thread at a time. */
public interface HostSession extends AutoCloseable {
    /**
     * Returns what the host says about itself now, with the host key under which it was reached.
     *
     * @throws io.kloigos.model.KloigosException any code of kind HOST
     */
    HostFacts facts();

    /**
     * Applies the plan's steps in order, stops at the first that fails, and returns what became of each.
     *
     * <p>A plan is applied once: if the same plan was begun on this host before, it is waited for, and what became of it
     * then is returned. A driver that loses its connection after the plan was sent learns the outcome in this way before it
     * gives up.
     *
     * <p>A host remembers the highest {@link HostPlan#fence} that it has seen for each scope, over reboots too. A plan is
     * refused if its fence is lower than the one remembered for its unit or for the whole host; a plan for the whole host, if
     * it is lower than any. What is known to have ended is answered all the same.
     *
     * @param listener told of each step as it begins and ends
     * @throws io.kloigos.model.KloigosException HOST_BUSY if the plan's lock could not be had in time, HOST_FENCED if the
     *     host has seen a plan with a higher fence, HOST_TIMEOUT if the
     *     plan ran over its time limit and was ended, HOST_UNREACHABLE if the outcome could not be learnt, and any other code
     *     of kind HOST; a step that fails is no exception but part of the report
     */
    PlanReport apply(HostPlan plan, PlanListener listener);

    /**
     * Returns the text of each reading as it is now, in the order asked for, after one round trip to the host.
     *
     * <p>Nothing is changed or kept on the host, no lock is taken and no fence compared: a plan may be at work meanwhile, so
     * two of the texts may be of different moments. One that cannot be read has the text that its kind of {@link Reading}
     * names for that, and leaves the others as they are.
     *
     * @param readings what to look at
     * @throws io.kloigos.model.KloigosException HOST_TIMEOUT if the host took longer than the driver allows, and any other
     *     code of kind HOST
     */
    List<String> read(List<Reading> readings);

    /**
     * Asks the host to begin no further step of a plan, and returns at once. It may be a plan that another session or another
     * program applies; one that is not known yet will end before its first step, one that has ended stays as it is.
     *
     * @param planId the plan's id
     * @throws io.kloigos.model.KloigosException any code of kind HOST
     */
    void cancel(String planId);

    /** Ends the session. Closing twice does nothing. */
    @Override
    void close();
}
