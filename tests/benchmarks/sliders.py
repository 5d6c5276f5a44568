"""Worst case of every explorer: kernel seconds from a moved slider to the HTML of its picture.

    OMP_NUM_THREADS=1 python tests/benchmarks/sliders.py

Runs every corner of the settings of each explorer, CPU time on one thread, the median of three,
and prints the slowest. The limit is 0.3 s.
"""

import itertools
import time

from helpers import explorers

LIMIT = 0.3

CORNERS = {
    explorers.quilt_picture: {
        "kinds": (2, 40), "tiles": (10, 200), "generations": (5, 100),
        "policy": explorers.QUILT_POLICIES,
    },
    explorers.gaussian_picture: {
        "n": (5, 500), "rounds": (10, 200), "divisor": explorers.DIVISORS,
        "show": explorers.SHOW, "log": (True, False),
    },
    explorers.policy_picture: {
        "model": explorers.MODELS, "policy": explorers.POLICIES, "n": (20, 100, 1000),
        "bandwidth": (0.02, 0.8), "design": explorers.DESIGNS, "rounds": (5, 100),
    },
}  # fmt: skip


def seconds(function, settings):
    """Median CPU seconds of three drawings."""
    times = []
    for _ in range(3):
        start = time.process_time()
        function(**settings).html()
        times.append(time.process_time() - start)
    return sorted(times)[1]


def corners(function):
    """Every combination of the extreme settings, without those that change nothing."""
    options = CORNERS[function]
    for values in itertools.product(*options.values()):
        settings = dict(zip(options, values, strict=True))
        model = settings.get("model", "")
        if model != "KDE" and settings.get("bandwidth") == 0.8:
            continue
        if model and model != "regression" and settings["design"] == "fresh X":
            continue
        yield settings


def main():
    for function in CORNERS:
        function().html()  # fonts and imports are loaded once, at the first picture of a session
        measured = [(seconds(function, s), s) for s in corners(function)]
        worst, settings = max(measured, key=lambda pair: pair[0])
        verdict = "ok" if worst <= LIMIT else f"ABOVE {LIMIT} s"
        print(f"{function.__name__}: {worst:.3f} s ({verdict}) of {len(measured)} corners, at "
              f"{settings}")  # fmt: skip


if __name__ == "__main__":
    main()
