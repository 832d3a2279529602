package io.kloigos.model;

/**
 * Why an operator did something, as others will read it.
 *
 * @param text 1 to 500 characters on one line
 */
public record Reason(String text) {
    private static final int LONGEST = 500;

    public Reason {
        text = text.strip();
        if (text.isEmpty() || text.length() > LONGEST || text.chars().anyMatch(Character::isISOControl)) {
            throw KloigosException.invalid("reason", "a reason has 1 to " + LONGEST + " characters on one line");
        }
    }

    @Override
    public String toString() {
        return text;
    }
}
