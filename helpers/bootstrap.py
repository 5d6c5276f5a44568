"""The old path of `helpers.course.bootstrap`; the same module, through 1.x."""

import sys

from helpers.course import bootstrap

sys.modules[__name__] = bootstrap
