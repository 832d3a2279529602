package io.kloigos.inventory;

import io.kloigos.model.HostFacts;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Facts of the servers that were looked at last, by the text that holds them: a server of 256 CPUs takes a millisecond to parse,
 * and is looked at several times in each allocation. Safe for use by many threads.
 */
final class FactsCache {
    private static final int MOST = 64;
    private static final float LOAD_FACTOR = 0.75f;

    private final Map<String, HostFacts> parsed = new LinkedHashMap<>(2 * MOST, LOAD_FACTOR, true) {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, HostFacts> eldest) {
            return size() > MOST;
        }
    };

    HostFacts parse(String text) {
        synchronized (parsed) {
            HostFacts known = parsed.get(text);
            if (known != null) {
                return known;
            }
        }
        HostFacts facts = HostFacts.parse(text);
        synchronized (parsed) {
            parsed.put(text, facts);
        }
        return facts;
    }
}
