"""The old path of `helpers.data.corpora`; the same module, through 1.x."""

import sys

from helpers.data import corpora

sys.modules[__name__] = corpora
