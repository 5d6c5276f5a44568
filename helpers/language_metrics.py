"""The old path of `helpers.metrics.language`; the same module, through 1.x."""

import sys

from helpers.metrics import language

sys.modules[__name__] = language
