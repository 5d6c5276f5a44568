"""The recorded experiments: what the lessons quote, and how to make it again.

A study is a module of this package with `SETTINGS` (a dict), `SEEDS`, `trial(seed, scale)` (a
tidy frame: arm, generation, metric, value) and `summary(frame)` (name -> number). `run` records it
in helpers/results as NAME.csv (all trials, with the seed as column `replicate`) and NAME.json
(summary and provenance; `cpu_seconds` are those of the sitting that ended each trial, so that a
trial which keeps finished fits has taken more). Finished trials are kept one file each in
.studies/NAME, so that an interrupted run goes on where it stopped; changed settings or changed
code of the study start afresh. Those of a study too long for one sitting go to
helpers/results/trials instead, where they can be committed; any later run goes on from there.

    course study list | run NAME [--keep] [--backend dask --scheduler ADDRESS] | verify NAME

Two things are optional. `fetch(download)` of a study says, before its first trial, what it needs
and cannot be part of a course, and fetches it where that is allowed. SWITCHES (name -> values, the
first is the default) are arguments of its `trial`, and options of the command; the tables of such
a study are the reader's own, and lie with its finished trials.

Reading results needs no model: a study's module, and torch with it, is loaded only to run it.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
import platform
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from importlib import import_module, metadata
from importlib.resources import files
from io import StringIO
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from helpers._arguments import one_of, positive_int
from helpers._ground import write_whole
from helpers._imports import interrupt_waits
from helpers.loop import single_thread

PACKAGE = Path(__file__).parent
RESULTS = PACKAGE.parent / "results"
TRIALS = "trials"  # folder of RESULTS: finished trials of studies that are not recorded whole yet
COLUMNS = ["arm", "generation", "metric", "value", "replicate"]
SCALES = ("full", "small")
BACKENDS = ("loky", "dask")  # of the command: processes of this machine, or many machines
# Six significant digits: far below any seed-to-seed difference, and small files.
DIGITS = "%.6g"


def names() -> list[str]:
    """Every study that can be run, recorded or not, in alphabetical order.

    They are the modules here that define SETTINGS, SEEDS and trial; what studies share is not one.
    """
    return sorted(path.stem for path in PACKAGE.glob("*.py") if _is_study(path))


def load(name: str) -> pd.DataFrame:
    """The recorded trials: columns arm, generation, metric, value, replicate (the seed)."""
    text = StringIO(_recorded(name, ".csv"))
    with interrupt_waits():  # pandas would say that the table is damaged
        return pd.read_csv(text)


def provenance(name: str) -> dict[str, Any]:
    """How a study was recorded: command, seeds, settings, versions, CPU seconds, summary."""
    record: dict[str, Any] = json.loads(_recorded(name, ".json"))
    return record


def summary(name: str) -> dict[str, float]:
    """The numbers of a recorded study that lessons quote."""
    numbers: dict[str, float] = provenance(name)["summary"]
    return numbers


def texts(name: str) -> dict[str, list[list[str]]]:
    """What the models of seed 0 wrote, where a study keeps it: texts[arm][generation], rows."""
    recorded: dict[str, list[list[str]]] = json.loads(_recorded(name, "-texts.json"))
    return recorded


def papers(results: Path | None = None) -> dict[str, dict[str, Any]]:
    """Every number that the course takes from a paper: key -> value, source, where in the source.

    Read from published.json in `results`, default helpers/results. FileNotFoundError without one.
    """
    text = ((RESULTS if results is None else results) / "published.json").read_text("utf-8")
    numbers: dict[str, dict[str, Any]] = json.loads(text)
    return numbers


def published(key: str) -> float:
    """A number from a paper, by its key in `papers()`; ValueError for a key that is not there."""
    numbers = papers()
    return float(numbers[one_of("key", key, tuple(numbers))]["value"])


def own_place(
    name: str | None = None, scale: str = "full", switches: Mapping[str, Any] | None = None
) -> Path:
    """Where a study keeps what is not to be committed; with `name`, that of the study as it is."""
    place = _default_place()
    if name is None:
        return place
    study = _study(name)
    return place / name / _fingerprint(study, scale, _switched(study, switches))


def run(
    name: str,
    n_jobs: int = 1,
    backend: str | None = None,
    scale: str = "full",
    *,
    keep: bool = False,
    place: Path | None = None,
    results: Path | None = None,
    download: bool = False,
    switches: Mapping[str, Any] | None = None,
    scheduler: str | None = None,
) -> pd.DataFrame:
    """Run the trials of a study that are not there yet, and record all of them.

    n_jobs, backend: joblib's; the numbers do not depend on them. With backend "dask" the workers of
        a Dask scheduler compute, as many as there are.
    scheduler: its address, such as "tcp://HOST:8786".
    scale: "full", or "small" for a quick rehearsal that is never recorded in helpers/results.
    keep: put finished trials, these and earlier ones, into `results`/trials, to be committed.
    place: folder of finished trials; default .studies beside the package or where you are.
    results: folder for NAME.csv and NAME.json; default helpers/results, for "small" `place`.
    download: whether a study that needs the weights of others may fetch them; without it such a
        study says what it needs, and how large that is, in a FileNotFoundError.
    switches: of a study that has SWITCHES; its tables go to `place`, too.

    An interrupt keeps the finished trials; the same call goes on, also from those in
    `results`/trials, which leave that folder when the study is recorded whole. On a cluster a trial
    that fails does not stop the others; the first failure is raised when they are done. ValueError
    for an unknown name or scale, for `keep` with a rehearsal, for a scheduler without "dask" and
    the other way round, and for workers with another version of the study or of a package;
    ImportError without the extra `cluster`; ConnectionError for a scheduler that does not answer.
    """
    study = _study(name)
    one_of("scale", scale, SCALES)
    _check_backend(n_jobs, backend, scheduler)
    switches = _switched(study, switches)
    if keep and (scale != "full" or switches):
        what = f"scale {scale!r}" if scale != "full" else f"a study of your own, {name}"
        raise ValueError(f"keep must be False for a rehearsal, got {keep} with {what}")
    if scale == "full" and hasattr(study, "fetch"):  # a rehearsal needs nothing
        study.fetch(download)
    mark = _fingerprint(study, scale, switches)
    place = (_default_place() if place is None else Path(place)) / name / mark
    if results is None:
        results = RESULTS if scale == "full" and not switches else place
    kept = results / TRIALS / name / mark
    homes = (kept, place) if keep else (place, kept)
    seeds = list(study.SEEDS) if scale == "full" else list(study.SEEDS)[:2]
    if keep:
        _move_trials(place, kept)
    homes[0].mkdir(parents=True, exist_ok=True)
    waiting = [seed for seed in seeds if _trial_file(homes, seed) is None]
    print(f"{name}: {len(seeds)} trials, {len(waiting)} to run", flush=True)
    try:
        if scheduler is not None and waiting:
            for seed, found in _load_cluster().finished(scheduler, name, waiting, scale, switches):
                _keep(name, homes[0], seed, found)
        else:
            Parallel(n_jobs=n_jobs, backend=None if scheduler else backend)(
                delayed(_record_trial)(name, seed, scale, homes[0], switches) for seed in waiting
            )
    except (KeyboardInterrupt, ConnectionError):
        done = sum(_trial_file(homes, seed) is not None for seed in seeds)
        print(f"Interrupted: {done} of {len(seeds)} trials are done and kept. Run it again.")
        raise
    found = [path for seed in seeds if (path := _trial_file(homes, seed)) is not None]
    frame = _write_record(study, name, seeds, scale, found, results, switches)
    _move_trials(kept, place)  # all of it is in the table now
    if switches:
        print(f"{name}: recorded in {results}")
    return frame


def verify(name: str, n_trials: int = 2) -> pd.DataFrame:
    """Run the first `n_trials` seeds again and compare them with what is recorded.

    Returns the rows that differ (columns recorded, again), empty on the machine that recorded
    them. On another processor or with other versions the last of the six digits may differ, and
    chaotic training runs may differ more: the caller judges. ValueError when there are fewer
    trials, or when the study's settings are no longer the recorded ones.
    """
    n_trials = positive_int("n_trials", n_trials)
    study = _study(name)
    record = provenance(name)
    seeds = record["seeds"]
    if n_trials > len(seeds):
        raise ValueError(f"n_trials must be at most the {len(seeds)} recorded, got {n_trials}")
    if json.loads(json.dumps(study.SETTINGS)) != record["settings"]:
        raise ValueError(f"the settings of {name!r} are not the recorded ones: run it again")
    chosen = seeds[:n_trials]
    recorded = load(name)
    recorded = recorded[recorded["replicate"].isin(chosen)].reset_index(drop=True)
    text = pd.concat([_trial(study, seed, record["scale"]) for seed in chosen]).to_csv(
        index=False, float_format=DIGITS
    )
    again = _parse(text)
    keys = [column for column in COLUMNS if column != "value"]
    if not recorded[keys].equals(again[keys]):
        raise ValueError(f"the trials of {name!r} have other rows now than the recorded ones")
    both = recorded[keys].assign(recorded=recorded["value"], again=again["value"])
    same = np.isclose(both["recorded"], both["again"], rtol=1e-12, atol=0, equal_nan=True)
    return both[~same]


def main(argv: Sequence[str] | None = None) -> int:
    """`course study`: list, run NAME or verify NAME; returns the exit code."""
    parser = argparse.ArgumentParser(prog="course study", description="The recorded experiments.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="every study and whether it is recorded")
    run_parser = commands.add_parser("run", help="run the missing trials and record the study")
    verify_parser = commands.add_parser("verify", help="run some trials again and compare")
    for subparser in (run_parser, verify_parser):
        subparser.add_argument("name", choices=names())
    run_parser.add_argument("--jobs", type=int, default=1, help="processes (default 1)")
    run_parser.add_argument("--backend", choices=BACKENDS, help="dask: on many machines")
    run_parser.add_argument("--scheduler", metavar="ADDRESS", help="of Dask: tcp://HOST:8786")
    run_parser.add_argument("--scale", choices=SCALES, default="full")
    run_parser.add_argument(
        "--keep", action="store_true", help="finished trials go to helpers/results/trials"
    )
    run_parser.add_argument(
        "--download", action="store_true", help="fetch what the study needs and is not here"
    )
    verify_parser.add_argument("--trials", type=int, default=2, help="how many (default 2)")
    options, rest = parser.parse_known_args(argv)
    try:
        switches = _parse_switches(parser, options, rest)
        if options.command == "list":
            _print_list()
        elif options.command == "run":
            run(
                options.name,
                n_jobs=options.jobs,
                backend=options.backend,
                scheduler=options.scheduler,
                scale=options.scale,
                keep=options.keep,
                download=options.download,
                switches=switches,
            )
        else:
            return _print_verdict(options.name, options.trials)
    except KeyboardInterrupt:
        return 130
    except (ValueError, FileNotFoundError, ImportError, ConnectionError) as error:
        print(f"course study: {error}", file=sys.stderr)
        return 1
    return 0


# --- details -----------------------------------------------------------------------------------


def _write_record(
    study: ModuleType,
    name: str,
    seeds: Sequence[int],
    scale: str,
    finished: Sequence[Path],
    results: Path,
    switches: Mapping[str, Any],
) -> pd.DataFrame:
    """NAME.csv and NAME.json of the `finished` trials; the table as `load` reads it."""
    trials = [json.loads(path.read_text(encoding="utf-8")) for path in finished]
    every = pd.concat([_parse(trial["csv"]) for trial in trials], ignore_index=True)
    table = every.to_csv(index=False, float_format=DIGITS)
    frame = _parse(table)  # what `load` will read: the summary is of the rounded numbers
    write_whole(results / f"{name}.csv", table)
    record = {
        "command": " ".join(["course study run", name, *_options(switches)]),
        "seeds": seeds,
        "scale": scale,
        "settings": study.SETTINGS,
        "cpu_seconds": round(sum(trial["cpu_seconds"] for trial in trials), 1),
        "versions": trials[0].get("versions", _versions()),
        "machine": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "summary": {key: _rounded(value) for key, value in study.summary(frame).items()},
    }
    write_whole(results / f"{name}.json", json.dumps(record, indent=1) + "\n")
    return frame


@lru_cache
def _is_study(path: Path) -> bool:
    """Read, not imported: most studies load torch."""
    defined: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            defined.add(node.name)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            defined |= {target.id for target in targets if isinstance(target, ast.Name)}
    return {"SETTINGS", "SEEDS", "trial"} <= defined


def _study(name: str) -> ModuleType:
    return import_module(f"{__name__}.{one_of('name', name, names())}")


def _recorded(name: str, ending: str) -> str:
    path = files("helpers.results") / f"{one_of('name', name, names())}{ending}"
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        message = f"study {name!r} is not recorded yet: course study run {name}"
        raise FileNotFoundError(message) from None


def _default_place() -> Path:
    checkout = PACKAGE.parent.parent
    return (checkout if (checkout / "pyproject.toml").exists() else Path.cwd()) / ".studies"


def _parse_switches(
    parser: argparse.ArgumentParser, options: argparse.Namespace, rest: list[str]
) -> dict[str, Any]:
    """The options that only the named study has, out of what nobody else understood."""
    known = _switches(_study(options.name)) if options.command == "run" and rest else {}
    own = argparse.ArgumentParser(f"{parser.prog} run {getattr(options, 'name', '')}".strip())
    for name, allowed in known.items():
        own.add_argument(f"--{name}", type=type(allowed[0]), choices=allowed, default=allowed[0])
    return vars(own.parse_args(rest))


def _switches(study: ModuleType) -> dict[str, tuple[Any, ...]]:
    """Name -> allowed values, the first the default; most studies have none."""
    return dict(getattr(study, "SWITCHES", {}))


def _switched(study: ModuleType, switches: Mapping[str, Any] | None) -> dict[str, Any]:
    """All switches of a study with their values; ValueError for one that it does not have."""
    known, chosen = _switches(study), dict(switches or {})
    for name, value in chosen.items():
        one_of(one_of("switches", name, tuple(known) or ("none",)), value, known[name])
    return {name: chosen.get(name, allowed[0]) for name, allowed in known.items()}


def _options(switches: Mapping[str, Any]) -> list[str]:
    return [
        f"--{name} {value:g}" if isinstance(value, float) else f"--{name} {value}"
        for name, value in switches.items()
    ]


def _fingerprint(study: ModuleType, scale: str, switches: Mapping[str, Any] | None = None) -> str:
    """Changes with the settings, the scale and the study's own code, its rules included.

    Not with comments, docstrings and imports: words may be mended and modules may move while a
    long study is under way. Nor with what the study calls; `verify` is there to find that.
    """
    code = _loaded_code(str(study.__file__), study.trial)
    parts = [study.SETTINGS, scale, code, *([dict(switches)] if switches else [])]
    content = json.dumps(parts, sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:12]


@cache
def _loaded_code(path: str, trial: Callable[..., Any]) -> str:
    """The code of a study, read once for each `trial` that was loaded from its file.

    What somebody writes into the file later does not run in this process, or on this worker, until
    the module is loaded again, which makes another `trial`.
    """
    return _code(Path(path).read_text(encoding="utf-8"))


def _code(source: str) -> str:
    """The statements of a module without imports, docstrings and comments, in one layout."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(body := getattr(node, "body", None), list):
            node.body = [statement for statement in body if not _is_idle(statement)]  # type: ignore[attr-defined]
    return ast.unparse(tree)


def _is_idle(statement: ast.stmt) -> bool:
    """Whether it is an import or a string that stands alone."""
    return isinstance(statement, ast.Import | ast.ImportFrom) or (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def _trial_file(homes: Sequence[Path], seed: int) -> Path | None:
    """The finished trial of a seed in the first of the folders that has it."""
    paths = [home / _file_name(seed) for home in homes]
    return next((path for path in paths if path.exists()), None)


def _file_name(seed: int) -> str:
    return f"trial-{seed:05d}.json"


def _move_trials(source: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for finished in source.glob("trial-*.json"):
        shutil.move(finished, target / finished.name)


def _trial(
    study: ModuleType, seed: int, scale: str, switches: Mapping[str, Any] | None = None
) -> pd.DataFrame:
    with single_thread():
        frame = study.trial(seed, scale, **(switches or {}))
    return frame.assign(replicate=seed)[COLUMNS]


def _record_trial(
    name: str, seed: int, scale: str, place: Path, switches: Mapping[str, Any] | None = None
) -> None:
    _keep(name, place, seed, _finished(name, seed, scale, switches))


def _finished(
    name: str, seed: int, scale: str, switches: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """What is kept of a trial."""
    start = time.process_time()
    frame = _trial(_study(name), seed, scale, switches)
    seconds = time.process_time() - start
    # The versions of the process that computed: with several jobs, torch is loaded there only.
    return {
        "cpu_seconds": seconds,
        "csv": frame.to_csv(index=False, float_format=DIGITS),
        "versions": _versions(),
    }


def _keep(name: str, place: Path, seed: int, finished: Mapping[str, Any]) -> None:
    write_whole(place / _file_name(seed), json.dumps(finished) + "\n")
    print(f"{name}: seed {seed} done, {finished['cpu_seconds']:.1f} CPU seconds", flush=True)


def _check_backend(n_jobs: int, backend: str | None, scheduler: str | None) -> None:
    if (backend == "dask") is not (scheduler is not None):
        raise ValueError(
            f"scheduler must be given with backend 'dask' and no other, got {scheduler!r} "
            f"with {backend!r}"
        )
    if scheduler is not None and n_jobs != 1:
        raise ValueError(f"n_jobs must be left out with backend 'dask', got {n_jobs}")


def _load_cluster() -> ModuleType:
    """Loaded only when it is asked for: Dask is an extra."""
    try:
        return import_module(f"{__name__}._cluster")
    except ModuleNotFoundError as error:
        if error.name not in ("dask", "distributed"):
            raise
        raise ImportError(
            f"a run on many machines needs the package {error.name}, which is not installed; in "
            'the course\'s folder: python -m pip install -e ".[cluster]"'
        ) from None


def _parse(text: str) -> pd.DataFrame:
    return pd.read_csv(StringIO(text))


def _rounded(value: float) -> float | None:
    """Six digits; None for what is not a finite number, which JSON cannot hold."""
    return float(DIGITS % value) if np.isfinite(value) else None


def _versions() -> dict[str, str]:
    found = {name: _version(name) for name in ("numpy", "scipy", "scikit-learn", "pandas")}
    used = (name for name in ("torch", "transformers", "peft") if name in sys.modules)
    return found | {name: _version(name) for name in used}


def _version(name: str) -> str:
    # Without the local part ("+cpu"): it names a machine's build, not a version.
    return metadata.version(name).partition("+")[0]


def _print_list() -> None:
    for name in names():
        try:
            record = provenance(name)
        except FileNotFoundError:
            finished = len(list((RESULTS / TRIALS / name).rglob("trial-*.json")))
            print(f"{name:<14} not recorded" + (f", {finished} trials kept" if finished else ""))
            continue
        seeds, seconds = len(record["seeds"]), record["cpu_seconds"]
        print(f"{name:<14} {seeds:>4} trials {seconds:>7.0f} CPU seconds")


def _print_verdict(name: str, n_trials: int) -> int:
    differences = verify(name, n_trials)
    if differences.empty:
        print(f"{name}: the first {n_trials} trials are as recorded, to the last digit")
        return 0
    print(differences.to_string(max_rows=20))
    print(f"{name}: {len(differences)} values differ from the recorded ones", file=sys.stderr)
    return 1
