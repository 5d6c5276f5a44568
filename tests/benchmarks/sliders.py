"""Worst case of every explorer: kernel seconds from a moved slider to the HTML of its picture.

    OMP_NUM_THREADS=1 python tests/benchmarks/sliders.py

Draws every corner of the settings of each explorer on one thread, measures the five slowest again,
five times each, and prints the worst. The limit is 0.3 s.
"""

import itertools
import time

from helpers.explorers import (
    lesson_00,
    lesson_02,
    lesson_03,
    lesson_04,
    lesson_06,
    lesson_07,
    lesson_08,
    lesson_09,
    lesson_10,
    lesson_12,
    lesson_13,
)

LIMIT = 0.3

CORNERS = {
    lesson_00.quilt_picture: {
        "kinds": (2, 40), "tiles": (10, 200), "generations": (5, 100),
        "policy": lesson_00.QUILT_POLICIES,
    },
    lesson_02.gaussian_picture: {
        "n": (5, 500), "rounds": (10, 200), "divisor": lesson_02.DIVISORS,
        "show": lesson_02.SHOW, "log": (True, False),
    },
    lesson_03.word_picture: {
        "copies": (1, 100), "rounds": (5, 100), "n": (1000, 100_000), "growth": (1.0, 2.4),
        "show": lesson_03.SHOW,
    },
    lesson_04.fading_picture: {
        "generation": (0, 8), "name": ("replace", "accumulate"), "show": lesson_04.SHOW,
    },
    lesson_04.bells_picture: {
        "lam": lesson_04.LAMBDAS, "n": lesson_04.BELL_POINTS, "generation": (0, 8),
    },
    lesson_06.policy_picture: {
        "model": lesson_06.MODELS, "policy": tuple(lesson_06.known(1)), "n": (20, 100, 1000),
        "bandwidth": (0.02, 0.8), "design": lesson_06.DESIGNS, "rounds": (5, 100),
    },
    lesson_07.mix_picture: {
        "real": (10, 100_000), "synthetic": (1, 100_000), "shift": (0.0, 0.1),
        "price": (0.01, 1.0), "show": lesson_07.SHOW,
    },
    lesson_08.ruler_picture: {
        "run": (lesson_08.SHOWN[0], lesson_08.SHOWN[-1]), "tail": (0.05, 0.9), "rise": (0, 400),
        "centre": ("usual", "mean", "median"),
    },
    lesson_09.loop_picture: {
        "temperature": (0.1, 1.0), "start": (0.01, 0.9), "keep_right": (0.9, 1.0),
        "keep_wrong": (0.0, 1.0), "draws": (10, 1000), "generations": (1, 40),
        "show": lesson_09.SHOW,
    },
    lesson_10.mutant_picture: {
        "problem": (0, 81, 124, 129), "mutant": (1, 24), "inputs": tuple(lesson_10.INPUTS),
    },
    lesson_12.size_picture: {
        "writer": tuple(lesson_12.WRITERS.values())[::4], "k": (1, 40),
        "against": tuple(lesson_12.WRITERS.values())[::4],
    },
    lesson_13.setting_picture: {
        "when": ("at once", "evenly"), "weight": (1, 4), "old": (1, 3), "newest": (True, False),
        "world": lesson_13.PLAYED,
    },
}  # fmt: skip


def seconds(function, settings, repeats):
    """CPU seconds of the fastest of some drawings: a busy machine makes all of them slower."""
    times = []
    for _ in range(repeats):
        lesson_04._bells.cache_clear()  # a run that is kept would hide what the first look costs
        start = time.process_time()
        function(**settings).html()
        times.append(time.process_time() - start)
    return min(times)


def reference():
    """CPU seconds of a million additions, to see what this machine is worth at this moment."""
    start = time.process_time()
    total = 0
    for number in range(1_000_000):
        total += number
    return time.process_time() - start


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
    print(f"a million additions: {reference():.3f} s (about 0.05 s on an idle core)")
    for function in CORNERS:
        function().html()  # fonts and imports are loaded once, at the first picture of a session
        once = [(seconds(function, s, 1), s) for s in corners(function)]
        slowest = sorted(once, key=lambda pair: pair[0])[-5:]
        worst, settings = max(
            ((seconds(function, s, 5), s) for _, s in slowest), key=lambda pair: pair[0]
        )
        verdict = "ok" if worst <= LIMIT else f"ABOVE {LIMIT} s"
        print(f"{function.__name__}: {worst:.3f} s ({verdict}) of {len(once)} corners, at "
              f"{settings}")  # fmt: skip


if __name__ == "__main__":
    main()
