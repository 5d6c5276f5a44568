"""The old path of `helpers.studies.execution_programs`; the same module, through 1.x."""

import sys

from helpers.studies import execution_programs

sys.modules[__name__] = execution_programs
