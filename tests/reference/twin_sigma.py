"""How sure a cell is of its value, from the readings' own standard deviations: reading by reading in plain Python."""

import math


def sigma_of_mean(pieces, readings, *, start_s, end_s, period_s):
    """Return value and standard deviation of a mean over what lies in a cell.

    Each site first averages its readings by the seconds that they hold in the step, then the cell averages its sites by
    what of them lies in it; errors of readings are independent.
    """
    total = weight = variance = 0.0
    for site, support in pieces:
        held = []
        for time_s, value, sigma in readings[site]:
            seconds = min(time_s + period_s, end_s) - max(time_s, start_s)
            if seconds > 0 and not math.isnan(value):
                held.append((seconds, value, sigma))
        if not held:
            continue
        whole = sum(seconds for seconds, _, _ in held)
        total += support * sum(seconds / whole * value for seconds, value, _ in held)
        variance += support**2 * sum((seconds / whole * sigma) ** 2 for seconds, _, sigma in held)
        weight += support
    return total / weight, math.sqrt(variance) / weight


def sigma_of_sum(pieces, records):
    """Return value and standard deviation of an amount that is spread by shares."""
    value = sum(share * records[row][0] for row, share in pieces if records[row][0] is not None)
    square = sum((share * records[row][1]) ** 2 for row, share in pieces if records[row][0] is not None)
    return value, math.sqrt(square)


def deviation(values):
    """Return the standard deviation among sources, each counting once; NaN for fewer than two."""
    known = [value for value in values if not math.isnan(value)]
    if len(known) < 2:
        return math.nan
    mean = sum(known) / len(known)
    return math.sqrt(sum((value - mean) ** 2 for value in known) / len(known))
