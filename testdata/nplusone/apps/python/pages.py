"""How many rows each run of a scenario reads first."""

import sys
import time

# Seconds between two pages, in turn for a second each, so that some seconds read many times what others do.
PAUSES = [0.5, 0.5, 0.01, 0.02, 0.5, 0.3, 0.01, 0.5, 0.05, 0.5, 0.01, 0.1, 0.5]


def arguments():
    """APP DSN SCENARIO SECONDS"""
    dsn, scenario, seconds = sys.argv[1:4]
    return dsn, scenario, pages(float(seconds))


def pages(seconds):
    """One page of 100 rows, or pages of three until that many seconds have passed."""
    if seconds == 0:
        yield 100
    begin = time.monotonic()
    while (passed := time.monotonic() - begin) < seconds:
        yield 3
        time.sleep(PAUSES[int(passed) % len(PAUSES)])
