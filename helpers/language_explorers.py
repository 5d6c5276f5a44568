"""The old path of `helpers.explorers.lesson_05`; the same module, through 1.x."""

import sys

from helpers.explorers import lesson_05

sys.modules[__name__] = lesson_05
