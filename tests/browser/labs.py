"""Opens a saved page again in older JupyterLabs:  python tests/browser/labs.py [VERSION ...]

It makes a small environment for each version (4.4 and 4.5, each in its newest edition, if none is
named) in a temporary folder, then runs the tests of the next day in them. Chromium is required.
What .ci/run tries are the pinned JupyterLab and Notebook 7.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VERSIONS = ("4.4.*", "4.5.*")
WIDGETS = "ipywidgets==8.1.9"


def make(folder: Path, version: str) -> str:
    """The interpreter of an environment in `folder` with JupyterLab `version` and ipywidgets."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = str(folder / "bin" / "python")
    install = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    subprocess.run([*install, f"jupyterlab=={version}", WIDGETS], check=True)
    return python


def main(versions: list[str]) -> int:
    """The exit code of pytest."""
    with tempfile.TemporaryDirectory() as folder:
        pythons = [
            make(Path(folder, str(number)), version)
            for number, version in enumerate(versions or VERSIONS)
        ]
        environment = {
            **os.environ,
            "COURSE_LABS": os.pathsep.join(pythons),
            "COURSE_BROWSER": "required",
            "COURSE_ENV": "current",
        }
        tests = str(Path(__file__).with_name("test_next_day.py"))
        command = [sys.executable, "-m", "pytest", "-q", "-rA", tests, "-k", "older_jupyterlab"]
        return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
