"""The old path of `helpers.explorers.quick_runs`; the same module, through 1.x."""

import sys

from helpers.explorers import quick_runs

sys.modules[__name__] = quick_runs
