"""The old path of `helpers.course.cli`; the same module, through 1.x."""

import sys

from helpers.course import cli

sys.modules[__name__] = cli
