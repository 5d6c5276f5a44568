"""The old path of `helpers.course.desk`; the same module, through 1.x."""

import sys

from helpers.course import desk

sys.modules[__name__] = desk
