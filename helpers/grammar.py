"""The old path of `helpers.data.stories`; the same module, through 1.x."""

import sys

from helpers.data import stories

sys.modules[__name__] = stories
