"""The old path of `helpers.explorers.lesson_11`; the same module, through 1.x."""

import sys

from helpers.explorers import lesson_11

sys.modules[__name__] = lesson_11
