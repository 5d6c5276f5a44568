"""What is shown: a module a lesson, named like its exercises, and what they share.

`controls` has sliders, Run and Stop, `quick_runs` the runs behind the sliders.
"""

from importlib import import_module
from typing import Any

# The old module `helpers.explorers` held these; learners' own copies import them from here. They
# are looked up when asked for, so that a lesson loads and depends on its own explorer alone.
_FORMER = {
    "00": ("QUILT_POLICIES", "quilt_explorer", "quilt_picture"),
    "02": ("DIVISORS", "SHOW", "gaussian_explorer", "gaussian_picture", "three_errors_picture"),
    "06": ("DESIGNS", "MODELS", "policy_explorer", "policy_picture"),
}


def __getattr__(name: str) -> Any:
    for lesson, names in _FORMER.items():
        if name in names:
            return getattr(import_module(f"{__name__}.lesson_{lesson}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
