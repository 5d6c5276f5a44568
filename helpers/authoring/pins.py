"""The exact versions: constraints.txt for everybody, binder/requirements.txt for mybinder.org.

Both are derived from what pyproject.toml asks for and what is installed here, so they cannot drift
apart. Not a resolver: pip chose the versions when this environment was made.
"""

import argparse
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from helpers._ground import CPU_INDEX, ROOT, write_whole

CONSTRAINTS, BINDER = ROOT / "constraints.txt", ROOT / "binder" / "requirements.txt"
# Binder's base image has them, matched to its hub.
IN_THE_IMAGE = ("jupyterlab", "ipykernel", "ipython")


def asked_for(*extras: str) -> list[Requirement]:
    """What pyproject.toml requires, with the named extras."""
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    lines: list[str] = list(project["project"]["dependencies"])
    for extra in extras:
        lines += project["project"]["optional-dependencies"][extra]
    return [Requirement(line) for line in lines]


def closure(requirements: list[Requirement]) -> dict[str, str]:
    """Installed version of each package that `requirements` need, directly or not, by name.

    A ValueError names a package that is needed and not installed. Local versions ("+cpu") are cut.
    """
    found: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    waiting = list(requirements)
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        try:
            package = distribution(name)
        except PackageNotFoundError as error:
            raise ValueError(f"{name} is needed and not installed here") from error
        found[name] = package.version.split("+")[0]
        for extra in {"", *requirement.extras}:
            if (name, extra) not in seen:
                seen.add((name, extra))
                needed = map(Requirement, package.requires or [])
                waiting += [
                    r for r in needed if not r.marker or r.marker.evaluate({"extra": extra})
                ]
    return found


def constraints_text() -> str:
    """What constraints.txt should hold: a pin for every package of the course and its tests."""
    pins = closure(asked_for("author", "test"))
    return "".join(f"{name}=={version}\n" for name, version in sorted(pins.items()))


def binder_text() -> str:
    """What binder/requirements.txt should hold: the learner's packages that Binder does not bring.

    Only there may torch be pinned to its CPU build by name, as no other system has `+cpu`.
    """
    asked = asked_for()
    brought = closure([requirement for requirement in asked if requirement.name in IN_THE_IMAGE])
    direct = {requirement.name for requirement in asked} - set(IN_THE_IMAGE)
    pins = {
        name: version
        for name, version in closure(asked).items()
        if name in direct or name not in brought
    }
    pins["torch"] += "+cpu"
    return f"--extra-index-url {CPU_INDEX}\n" + "".join(
        f"{name}=={version}\n" for name, version in sorted(pins.items())
    )


def main(argv: list[str]) -> int:
    """Write both files, or with --check say which is not what it should be (exit code 1)."""
    parser = argparse.ArgumentParser("course pins", description="The exact versions, as files.")
    parser.add_argument("--check", action="store_true", help="write nothing; say what is stale")
    only_look = parser.parse_args(argv).check
    stale: list[Path] = []
    for path, text in ((CONSTRAINTS, constraints_text()), (BINDER, binder_text())):
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(path)
            if not only_look:
                write_whole(path, text)
    for path in stale:
        what = "is not what is installed here: course pins" if only_look else "written"
        print(f"{path.relative_to(ROOT)} {what}", file=sys.stderr if only_look else sys.stdout)
    return 1 if only_look and stale else 0
