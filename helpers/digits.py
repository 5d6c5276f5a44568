"""The old path of `helpers.data.digits`; the same module, through 1.x."""

import sys

from helpers.data import digits

sys.modules[__name__] = digits
