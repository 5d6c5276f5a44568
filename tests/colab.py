"""Imitates Google Colab: an environment with the versions that Colab publishes, and the lessons.

    python tests/colab.py FOLDER [--keep]

makes the environment in FOLDER with this Python, without the course, and runs the first cell of
each lesson in a kernel of it, from a folder that holds only the notebook: it must say in one
sentence what to do. Then the course is installed as README says for Colab, out of this repository's
last commit. Nothing that the course imports and Colab has may change; the first cell of every
lesson must run, and all cells of lessons 00 and 02, with forms and sliders that are widgets.
--keep: FOLDER's environment is used as it is.

pip needs the network, so this is no part of the tests. torch alone is lent by the environment that
runs this: on Linux the package index would send gigabytes for a GPU. Nobody has run the course on
Colab itself: its front end is not imitated, nor its Python 3.12 unless that is what runs this.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from importlib.metadata import distribution
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from helpers._kept import VIEW  # noqa: E402
from helpers.authoring.notebook import NOT_INSTALLED, code_cells  # noqa: E402

# As published in pip-freeze.gpu.txt of github.com/googlecolab/backend-info at commit 03a8903, June
# 2026, where they concern us. pip must not have to change these: Colab's own packages would
# complain, and its runtime would have to start anew.
COLAB = {
    "filelock": "3.29.0",
    "ipykernel": "6.17.1",
    "ipython": "7.34.0",
    "ipywidgets": "7.7.1",
    "joblib": "1.5.3",
    "jupyter-client": "7.4.9",
    "lazy-loader": "0.5",
    "matplotlib": "3.10.0",
    "mlxtend": "0.23.4",
    "numpy": "2.0.2",
    "pandas": "2.2.2",
    "pillow": "11.3.0",
    "platformdirs": "4.10.0",
    "pooch": "1.9.0",
    "psutil": "5.9.5",
    "pyyaml": "6.0.3",
    "safetensors": "0.7.0",
    "scikit-learn": "1.6.1",
    "scipy": "1.16.3",
    "threadpoolctl": "3.6.0",
    "tokenizers": "0.22.2",
    "torch": "2.11.0",
    "tqdm": "4.67.3",
}
# What lies under these there, and does not concern us by itself.
UNDER = {
    "jupyter-core": "5.9.1",
    "jupyter-server": "2.14.0",
    "matplotlib-inline": "0.2.2",
    "nbclient": "0.10.4",
    "nbconvert": "7.17.1",
    "nbformat": "5.10.4",
    "notebook": "6.5.7",
    "notebook-shim": "0.2.4",
    "packaging": "26.2",
    "pyzmq": "26.2.1",
    "tornado": "6.5.1",
    "traitlets": "5.7.1",
    "widgetsnbextension": "3.6.10",
}
AGAINST = "3.0.16"
WHOLE = ("00", "02")  # lessons of which every cell is run
LENT = ("torch", "torchgen", "functorch")


def main(folder: Path, *, keep: bool) -> int:
    """Run all of it; 0 when nothing is wrong."""
    python = folder / "bin" / "python"
    if not keep or not python.exists():
        make(folder, python)
    wrong = [f"without the course: {line}" for line in lessons_without(python)]
    have = versions(python)
    here = [f"{python}", "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    subprocess.run([*here, f"git+{ROOT.as_uri()}"], check=True)  # as README says for Colab
    now = versions(python)
    for name in sorted(now):
        if now[name] != have.get(name):
            print(f"{name}: {have.get(name, 'nothing')}, now {now[name]}")
    wrong += [
        f"{name} is {now[name]}, Colab has {pin}"
        for name, pin in COLAB.items()
        if name != "torch" and now[name] != pin
    ]
    wrong += lessons_with(python)
    print("\n".join(wrong) or "All is well, as far as it can be imitated.")
    return bool(wrong)


def make(folder: Path, python: Path) -> None:
    """The environment, with the torch of this one."""
    subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
    torch = distribution("torch")
    at = Path(str(torch.locate_file("")))
    info = next(str(file).split("/")[0] for file in torch.files or [] if ".dist-info/" in str(file))
    lent = folder / "lent"
    lent.mkdir()
    for name in (*LENT, info):
        (lent / name).symlink_to(at / name)
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "lent.pth").write_text(f"{lent}\n", encoding="utf-8")
    print(f"Python {sys.version.split()[0]}, torch {torch.version} instead of {COLAB['torch']}")
    pins = {**COLAB, **UNDER}
    del pins["torch"]
    here = [f"{python}", "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    subprocess.run([*here, *(f"{name}=={pin}" for name, pin in pins.items())], check=True)
    against = f"jupyterlab-widgets=={AGAINST}"  # ipywidgets 7 forbids it; Colab has it all the same
    subprocess.run([*here, "--no-deps", against], check=True)


def versions(python: Path) -> dict[str, str]:
    """Every package of an environment, and its version."""
    asked = [python, "-m", "pip", "list", "--format=json", "--disable-pip-version-check"]
    said = subprocess.run(asked, check=True, capture_output=True, text=True).stdout
    return {one["name"].lower().replace("_", "-"): one["version"] for one in json.loads(said)}


def lessons_without(python: Path) -> list[str]:
    """What is wrong with the first cells where the course is not installed, a line each."""
    wrong = []
    for path in notebooks():
        notebook = run(python, path, cells=1)
        said = [out.get("text", out.get("evalue")) for out in code_cells(notebook)[0].outputs]
        if said != [f"UsageError: {NOT_INSTALLED}\n"]:
            wrong.append(f"{path.stem}: {said}")
    return wrong


def lessons_with(python: Path) -> list[str]:
    """What is wrong with the lessons where the course is installed, a line each."""
    wrong = []
    for path in notebooks():
        whole = path.stem[:2] in WHOLE
        notebook = run(python, path, cells=None if whole else 1)
        done = code_cells(notebook)
        for number, cell in enumerate(done if whole else done[:1], start=1):
            kinds = [kind for out in cell.outputs for kind in out.get("data", {})]
            failed = [out.evalue for out in cell.outputs if out.output_type == "error"]
            tags = set(cell.metadata.get("tags", []))
            if failed and "raises-exception" not in tags:
                wrong.append(f"{path.stem}, cell {number}: {failed[0]}")
            elif tags & {"predict", "quiz", "explorer"} and VIEW not in kinds:
                wrong.append(f"{path.stem}, cell {number}: no widget, only {kinds}")
        print(f"{path.stem}: {len(done) if whole else 1} cells", flush=True)
    return wrong


def notebooks() -> list[Path]:
    """The lessons, as they are shipped."""
    return sorted((ROOT / "notebooks").glob("[0-9][0-9]-*.ipynb"))


def run(python: Path, path: Path, *, cells: int | None) -> nbformat.NotebookNode:
    """A notebook after its first `cells` code cells, run alone in a folder; errors are outputs."""
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        environment = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
        environment |= {"IPYTHONDIR": f"{folder}/ipython", "COURSE_HOME": folder}
        client = NotebookClient(
            notebook, timeout=600, resources={"metadata": {"path": folder}}, kernel_name="python3"
        )
        spec = client.create_kernel_manager().kernel_spec
        assert spec is not None
        spec.argv[0] = str(python)
        with client.setup_kernel(env=environment):
            places = [n for n, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
            for place in places[:cells]:
                try:
                    client.execute_cell(notebook.cells[place], place)
                except CellExecutionError:
                    continue
    return notebook


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="An imitation of Google Colab.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    sys.exit(main(options.folder.absolute(), keep=options.keep))
