"""Welch's t-test over timings, cropped against the machine's own outliers."""
import math
import statistics


def welch(a, b):
    """t of two samples with their own variances; 0.0 when both are constant and equal."""
    mean = statistics.fmean(a) - statistics.fmean(b)
    spread = statistics.variance(a) / len(a) + statistics.variance(b) / len(b)
    if spread == 0:
        return 0.0 if mean == 0 else math.copysign(math.inf, mean)
    return mean / math.sqrt(spread)


def crop(a, b, percentile):
    """Both samples below one bound: the percentile of all timings together."""
    together = sorted(a + b)
    bound = together[min(len(together) - 1, int(len(together) * percentile / 100))]
    return [x for x in a if x <= bound], [x for x in b if x <= bound]


def worst_t(a, b, percentiles=(50, 75, 90, 95, 99, 100)):
    """The largest |t| over several crops, as dudect does, with its crop."""
    worst = (0.0, 100)
    for percentile in percentiles:
        x, y = crop(a, b, percentile)
        if len(x) > 2 and len(y) > 2:
            worst = max(worst, (abs(welch(x, y)), percentile))
    return worst
