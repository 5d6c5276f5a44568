"""The process that computes runs on one thread, whoever launched it.

The models here are small: on many threads lesson 05 takes over five times as long, since threads
spend their time waiting for each other, and sums are added up in another order, so that recorded
numbers are met to fewer digits. `helpers._arguments`, which all that computes imports, imports this
module. COURSE_THREADS=4 in the environment, set before the kernel starts, asks for four threads; no
other variable counts, since hubs and shells set OMP_NUM_THREADS for programs of another kind.
"""

import os
import sys

SWITCH = "COURSE_THREADS"
VARIABLES = (  # what each library reads at the moment it is loaded
    "OMP_NUM_THREADS",  # torch, scikit-learn
    "OPENBLAS_NUM_THREADS",  # NumPy and SciPy from PyPI
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",  # macOS
    "NUMEXPR_NUM_THREADS",
)


def wanted() -> int:
    """How many threads this process is to use: COURSE_THREADS, or one.

    Raises ValueError when that variable is anything but a whole number of at least 1.
    """
    text = os.environ.get(SWITCH, "").strip() or "1"
    if not (text.isascii() and text.isdecimal() and int(text) > 0):
        raise ValueError(f"{SWITCH} must be a whole number of at least 1, got {text!r}")
    return int(text)


def limit(threads: int) -> None:
    """Let every library use `threads` threads: those still to be loaded, and those loaded."""
    os.environ.update(dict.fromkeys(VARIABLES, str(threads)))
    if "numpy" in sys.modules:
        from threadpoolctl import threadpool_limits

        threadpool_limits(threads)  # outside a `with`: for good
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads)


limit(wanted())
