package io.kloigos.testkit;

import java.util.List;

/**
 * What became of one plan on a fake host.
 *
 * @param id the plan's id
 * @param requests how often it was asked for
 * @param effects how often each step changed the host, by the step's index
 */
public record AppliedPlan(String id, int requests, List<Integer> effects) {
    public AppliedPlan {
        effects = List.copyOf(effects);
    }
}
