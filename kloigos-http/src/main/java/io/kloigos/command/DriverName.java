package io.kloigos.command;

import io.kloigos.http.NearestMatch;
import io.kloigos.model.KloigosException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** How hosts are reached, as {@code --driver} says. */
enum DriverName {
    /** Over SSH. */
    SSH,
    /** The machine on which the server runs is the only host. */
    LOCAL,
    /** The hosts are simulated, in the server's memory. */
    FAKE;

    /**
     * Returns the driver that {@code text} names.
     *
     * @throws KloigosException INVALID_REQUEST if it names none
     */
    static DriverName parse(String text) {
        return Arrays.stream(values())
                .filter(driver -> driver.toString().equals(text))
                .findFirst()
                .orElseThrow(() -> {
                    List<String> known =
                            Arrays.stream(values()).map(DriverName::toString).toList();
                    return KloigosException.invalid(
                            "driver", "there is no driver \"" + text + "\"; " + NearestMatch.hint(text, known));
                });
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
