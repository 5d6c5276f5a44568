"""The battery of hostile and broken programs, screened and not, as this user and as a bare one.

Its verdicts are those of Linux with all layers; elsewhere the screened half still has to hold.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hostile import battery

NOBODY = 65534
ROOT = Path(__file__).parents[1]

linux = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="expects the verdicts of the kernel's filters"
)


def test_the_battery_is_large_and_well_formed() -> None:
    from helpers.verification import Verdict

    rows = battery.rows()
    names = [(row["kind"], row["name"]) for row in rows]
    assert len(rows) >= 300
    assert len(set(names)) == len(names)
    for row in rows:
        for mode in ("screened", "unscreened"):
            allowed = row[mode] if isinstance(row[mode], list) else [row[mode]]
            assert {Verdict(name) for name in allowed}, row["name"]
            assert "harness_error" not in allowed


def test_only_programs_that_are_right_may_pass() -> None:
    """A row that allows `passed` beside another verdict must give the right answers itself."""
    for row in battery.rows():
        for mode in ("screened", "unscreened"):
            if "passed" in row[mode] and row["kind"] in {"fake", "values"}:
                pytest.fail(f"{row['name']} is a fake and may not pass")


@linux
@pytest.mark.parametrize("screen", [True, False])
def test_every_program_gets_its_verdict_and_harms_nobody(screen: bool) -> None:
    assert battery.run(screen, workers=2) == []


@pytest.fixture(scope="module")
def bare_home() -> Iterator[Path]:
    """A folder that everybody may read, with the package, the battery and, if need be, Python."""
    home = Path(tempfile.mkdtemp(prefix="bare-user-"))
    home.chmod(0o755)
    ignore = shutil.ignore_patterns("__pycache__", "results")
    shutil.copytree(ROOT / "helpers", home / "helpers", ignore=ignore)
    shutil.copytree(ROOT / "tests" / "hostile", home / "hostile", ignore=ignore)
    yield home
    shutil.rmtree(home)


def python_for_everybody(home: Path) -> str:
    """An interpreter that user nobody may run: this one, the system's, or a copy."""
    check = "import ctypes, json, sys; sys.exit(sys.version_info < (3, 11))"
    for candidate in (os.path.realpath(sys.executable), "/usr/bin/python3"):
        try:
            if subprocess.run([candidate, "-I", "-S", "-c", check], user=NOBODY).returncode == 0:
                return candidate
        except OSError:
            continue
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    library = Path(sys.base_prefix) / "lib" / version
    ignore = shutil.ignore_patterns("__pycache__", "site-packages", "test", "idlelib", "ensurepip")
    shutil.copytree(library, home / "lib" / version, ignore=ignore)
    for shared in library.parent.glob("libpython*"):
        shutil.copy2(shared, home / "lib")
    (home / "bin").mkdir()
    return str(shutil.copy2(os.path.realpath(sys.executable), home / "bin" / version))


@linux
@pytest.mark.skipif(os.name == "posix" and os.getuid() != 0, reason="is a bare user already")
def test_the_layers_need_no_privileges(bare_home: Path) -> None:
    """The whole battery again as user nobody, without groups and capabilities."""
    result = subprocess.run(
        [python_for_everybody(bare_home), "-B", str(bare_home / "hostile" / "battery.py"), "."],
        cwd=bare_home,
        env={"PATH": os.defpath, "LD_LIBRARY_PATH": str(bare_home / "lib")},
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.stdout.strip() == f"ran as user {NOBODY}: 0 complaints", result.stderr
    assert "does not offer" not in result.stderr
