"""Every pytest run: a progress file of its own, one thread, and no way to the network.

What is put into the environment reaches the kernels of the notebooks and every other child.
"""

import os
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent
OFFLINE = ROOT / "tests" / "offline"  # its sitecustomize refuses connections, in children too
_SCRATCH = tempfile.TemporaryDirectory(prefix="course-test-")  # removed at exit

os.environ.update(
    COURSE_UNDER_TEST="1",
    COURSE_ENV="current",
    COURSE_PROGRESS=str(Path(_SCRATCH.name, "progress.json")),
    IPYTHONDIR=str(Path(_SCRATCH.name, "ipython")),
    COURSE_THREADS="1",
)
_others = [part for part in os.environ.get("PYTHONPATH", "").split(os.pathsep) if part]
os.environ["PYTHONPATH"] = os.pathsep.join([str(OFFLINE), *_others])
sys.path.insert(0, str(OFFLINE))
import offline  # noqa: E402

offline.refuse_connections()

# The same examples in every run, however busy the machine is.
settings.register_profile("course", derandomize=True, deadline=None)
settings.load_profile("course")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Make nbval's file absolute: it looks from the current directory, wherever that is."""
    name = config.option.nbval_sanitize_with
    if name and not Path(name).is_absolute():
        config.option.nbval_sanitize_with = str(ROOT / name)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A skip is quiet; that no browser test ran is said loudly."""
    skipped = terminalreporter.stats.get("skipped", [])
    if any("NO BROWSER" in str(report.longrepr) for report in skipped):
        said = "NO BROWSER: the browser tests did not run; the reason is below, at SKIPPED"
        terminalreporter.write_line(f"{'!' * 79}\n{said}\n{'!' * 79}", red=True, bold=True)
    for report in terminalreporter.stats.get("passed", []):
        if "test_right_programs_pass_on_every_python" in report.nodeid and report.capstdout:
            terminalreporter.write_line(report.capstdout.splitlines()[-1])
