"""How many rows each run of a scenario reads first."""

import sys
import time

# So that some seconds read many times what others do.
SIZES = [2, 2, 20, 14, 2, 4, 18, 2, 9, 2, 20, 5, 2]


def arguments():
    """APP DSN SCENARIO SECONDS"""
    dsn, scenario, seconds = sys.argv[1:4]
    return dsn, scenario, pages(float(seconds))


def pages(seconds):
    """One page of 100 rows, or pages until that many seconds have passed."""
    if seconds == 0:
        yield 100
    begin = time.monotonic()
    while (passed := time.monotonic() - begin) < seconds:
        yield SIZES[int(passed) % len(SIZES)]
        time.sleep(0.05)
