"""A JupyterLab or Notebook 7 on loopback, with this repository's settings and nobody's own."""

import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from learner import PATIENCE

from helpers.course.cli import lab_environment

TOKEN = "browser-test"
OWN = (
    *("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"),
    *("JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR", "HOME"),
)


@contextmanager
def serving(python: str, app: str, root: Path, home: Path) -> Iterator[str]:
    """The address of `python -m app` over the files in `root`; what is its own lies in `home`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    home.mkdir(exist_ok=True)
    environment = {**os.environ, **{name: str(home / name.lower()) for name in OWN}}
    environment["COURSE_PROGRESS"] = str(home / "progress.json")
    command = [python, "-m", app, "--no-browser", "--ip=127.0.0.1",
               f"--port={port}", "--ServerApp.port_retries=0",
               f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={root}",
               "--LabApp.expose_app_in_browser=True", "--allow-root"]  # fmt: skip
    log = home / f"{app}.log"
    with open(log, "wb") as output:
        process = subprocess.Popen(
            command,
            env=lab_environment(environment),
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{address}/api/status?token={TOKEN}", process, log)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE / 1000
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.5)
    pytest.fail(f"Jupyter did not start:\n{log.read_text('utf-8')[-3000:]}")
