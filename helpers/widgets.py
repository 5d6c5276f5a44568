"""The old path of `helpers.explorers.controls`; the same module, through 1.x."""

import sys

from helpers.explorers import controls

sys.modules[__name__] = controls
