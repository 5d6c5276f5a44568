"""What judging an entry costs: CPU seconds of a policy on eight seeds in three worlds.

    OMP_NUM_THREADS=1 python tests/benchmarks/capstone.py

CPU time is that of this process and of the sandbox's, so other work on the machine matters little.
The policy is the keeper, which checks as much as anybody can; the baselines are the recorded ones.
Once without the sandbox, as entries are judged, and two seeds with it. Exits with 1 above 25 s, or
when the sandbox gives other scores.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from helpers.capstone import by_name, code
from helpers.teaching.entries import judge

LIMIT = 25.0


def cpu_seconds() -> float:
    """CPU time of this process and of its children that have ended."""
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def main() -> int:
    """Judge the keeper once and say what it cost."""
    before = cpu_seconds()
    judged = judge(by_name("keeper"), seeds=range(8))
    print(judged)
    spent = cpu_seconds() - before
    print(f"{spent:.1f} s of CPU, at most {LIMIT:g}")
    before = cpu_seconds()
    boxed = judge(by_name("keeper"), seeds=range(2), worlds=["code"], sandbox=True)
    code.shared_sandbox().close()
    print(f"two seeds of programs in the sandbox: {cpu_seconds() - before:.1f} s")
    same = boxed.scores.equals(judged.scores.loc[:1, ["code"]])
    return int(spent > LIMIT or not same)


if __name__ == "__main__":
    sys.exit(main())
