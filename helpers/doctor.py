"""The old path of `helpers.course.doctor`; the same module, through 1.x."""

import sys

from helpers.course import doctor

sys.modules[__name__] = doctor
