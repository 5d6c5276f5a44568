"""The old path of `helpers.metrics.generative`; the same module, through 1.x."""

import sys

from helpers.metrics import generative

sys.modules[__name__] = generative
