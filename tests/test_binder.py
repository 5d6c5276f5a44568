"""What mybinder.org would build, rendered by repo2docker's own code: no Docker engine is needed."""

import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import repo2docker
from jupyter_core.utils import run_sync
from jupyter_server.serverapp import ServerApp
from repo2docker.app import Repo2Docker
from repo2docker.buildpacks import BuildPack, PythonBuildPack
from tornado.httpclient import AsyncHTTPClient
from tornado.web import HTTPError
from traitlets.config.loader import PyFileConfigLoader

from helpers.authoring import pins

ROOT = Path(__file__).resolve().parent.parent
BINDER = ROOT / "binder"


@pytest.fixture
def buildpack(monkeypatch: pytest.MonkeyPatch) -> BuildPack:
    """The first of repo2docker's buildpacks that feels responsible for this repository."""
    monkeypatch.chdir(ROOT)
    app = Repo2Docker()
    chosen = next(pack for kind in app.buildpacks if (pack := kind(app.base_image)).detect())
    chosen.platform = "linux/amd64"
    return chosen


@pytest.fixture
def dockerfile(buildpack: BuildPack) -> str:
    return str(buildpack.render({"NB_USER": "jovyan", "NB_UID": "1000"}))


def test_python_buildpack_with_the_python_of_runtime_txt(buildpack: BuildPack) -> None:
    assert type(buildpack) is PythonBuildPack
    assert buildpack.binder_dir == "binder"
    assert buildpack.python_version == "3.11"


def test_requirements_are_installed_before_the_repository_is_copied(dockerfile: str) -> None:
    """So the layer with torch is kept from one commit to the next."""
    install = dockerfile.index('install --no-cache-dir -r "binder/requirements.txt"')
    whole_repository = dockerfile.index("COPY --chown=1000:1000 src/ ${REPO_DIR}/")
    post_build = dockerfile.index("RUN ./binder/postBuild")
    assert install < whole_repository < post_build


def test_the_jupyter_of_the_image_may_stay_and_so_may_ours(buildpack: BuildPack) -> None:
    """Binder's image brings its own, by repo2docker's lock: older than that of constraints.txt."""
    (lock,) = (str(name) for name in buildpack.get_build_script_files() if ".lock" in str(name))
    assert f"py-{buildpack.python_version}-linux-64" in lock
    text = (Path(repo2docker.__file__).parent / "buildpacks" / lock).read_text(encoding="utf-8")
    brought = dict(re.findall(r"(?m)/([a-z][\w-]*?)-(\d[\w.]*)-[^/-]+\.(?:conda|tar\.bz2)", text))
    ours = dict(line.split("==") for line in pins.CONSTRAINTS.read_text().split())
    asked = {one.name: one.specifier for one in pins.asked_for()}
    for name in pins.IN_THE_IMAGE:
        assert asked[name].contains(brought[name]), name
        assert asked[name].contains(ours[name]), name


def test_start_is_the_entry_point(dockerfile: str) -> None:
    assert 'ENV R2D_ENTRYPOINT="${REPO_DIR}/binder/start"' in dockerfile.replace("'", '"')


def test_the_project_itself_is_not_installed_with_its_dependencies(dockerfile: str) -> None:
    """That would fetch torch with CUDA; postBuild installs it without them."""
    assert "install --no-cache-dir ." not in dockerfile
    assert "--no-deps -e ." in (BINDER / "postBuild").read_text()


def test_pins_are_those_of_everybody_else() -> None:
    assert pins.BINDER.read_text(encoding="utf-8") == pins.binder_text()
    everybody = set(pins.CONSTRAINTS.read_text().split())
    binder = pins.BINDER.read_text().split()[2:]
    assert len(binder) > 15
    assert {line.removesuffix("+cpu") for line in binder} <= everybody
    assert [line for line in binder if "+" in line] == [f"torch=={torch_version()}+cpu"]


def torch_version() -> str:
    return pins.closure(pins.asked_for())["torch"]


@pytest.mark.parametrize("name", ["postBuild", "singleuser", "start"])
def test_scripts_are_executable_and_valid(name: str) -> None:
    script = BINDER / name
    assert script.stat().st_mode & stat.S_IXUSR
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0
    assert script.read_text().startswith("#!/bin/bash\n")


def test_post_build_stops_at_the_first_error() -> None:
    """repo2docker ignores an error in the middle of the script."""
    assert "set -euo pipefail" in (BINDER / "postBuild").read_text().splitlines()


def test_start_sets_one_thread_and_becomes_the_server() -> None:
    show = "import os; print(*(os.environ[n] for n in ('OMP_NUM_THREADS', 'JUPYTER_CONFIG_PATH')))"
    answer = subprocess.run(
        [str(BINDER / "start"), sys.executable, "-c", show],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if "JUPYTER" not in name},
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.split() == ["1", str(BINDER / "jupyter")]
    assert (BINDER / "start").read_text().splitlines()[-1] == 'exec "$@"'


def test_jupyterlab_reads_our_settings(tmp_path: Path) -> None:
    """Asked of JupyterLab itself, so that a misspelt folder or option would show."""
    environment = {
        **os.environ,
        "HOME": str(tmp_path),
        "JUPYTER_CONFIG_DIR": str(tmp_path),
        "JUPYTER_CONFIG_PATH": str(BINDER / "jupyter"),
    }
    answer = subprocess.run(
        [sys.executable, "-m", "jupyterlab", "--show-config-json"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "/lab/tree/my/00-start-here.ipynb" in answer.stdout
    assert "NeverCheckForUpdate" in answer.stdout
    assert json.loads(answer.stdout)["Application"]["log_level"] == "WARN"  # a quiet terminal


def test_the_file_browser_is_folded_at_the_first_start_only(tmp_path: Path) -> None:
    """In a workspace of the course's own: nobody's other layout is taken over or changed."""
    environment = {
        **os.environ,
        "JUPYTER_DATA_DIR": str(tmp_path / "data"),
        "JUPYTER_CONFIG_DIR": str(tmp_path),
        "JUPYTER_CONFIG_PATH": str(BINDER / "jupyter"),
    }
    command = [sys.executable, "-m", "jupyterlab", "--show-config-json"]
    for kept in (None, "as the learner left it"):
        shown = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        folder = json.loads(shown.stdout)["LabApp"]["workspaces_dir"]
        assert folder == str(tmp_path / "data" / "closing-the-loop")
        (workspace,) = Path(folder).iterdir()
        if kept:
            assert workspace.read_text() == kept
        else:
            layout = json.loads(workspace.read_text())["data"]["layout-restorer:data"]
            assert layout["left"]["collapsed"] is True
            workspace.write_text("as the learner left it")


def test_the_course_s_own_notebooks_are_not_saved_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that nobody who follows the README inside JupyterLab changes files that are in git."""
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path))
    config = PyFileConfigLoader("jupyter_lab_config.py", str(BINDER / "jupyter")).load_config()
    manager = config.ServerApp.contents_manager_class(root_dir=str(ROOT))
    original, copy = "notebooks/00-start-here.ipynb", "my/00-start-here.ipynb"
    model = run_sync(manager.get)(original, content=False)
    assert model["writable"] is False
    before = (ROOT / original).read_bytes()
    with pytest.raises(HTTPError, match=f"work in {copy}"):
        run_sync(manager.save)({"type": "notebook", "format": "json"}, original)
    assert (ROOT / original).read_bytes() == before
    elsewhere = config.ServerApp.contents_manager_class(root_dir=str(tmp_path))
    (tmp_path / "my").mkdir()
    text = {"type": "file", "format": "text", "content": "{}"}
    run_sync(elsewhere.save)(text, copy)
    assert (tmp_path / copy).read_text() == "{}"


def test_a_link_of_a_copy_outside_the_checkout_opens_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tornado 6.6 follows no symbolic link out of the folder that it serves."""
    for place in ("DATA", "RUNTIME", "CONFIG"):
        monkeypatch.setenv(f"JUPYTER_{place}_DIR", str(tmp_path / place))
    home = tmp_path / "home"
    home.mkdir()
    (home / "helpers").symlink_to(ROOT / "helpers")
    config = PyFileConfigLoader("jupyter_lab_config.py", str(BINDER / "jupyter")).load_config()
    config.IdentityProvider.token = "key"
    # Beside a browser's event loop the server runs in a thread, where no signal can be handled.
    monkeypatch.setattr(ServerApp, "init_signal", lambda self: None)

    async def opened() -> bytes:
        server = ServerApp(config=config, root_dir=str(home), port=0, allow_root=True)
        server.initialize([], find_extensions=False)
        try:
            address = f"http://127.0.0.1:{server.port}/files/helpers/loop.py?token=key"
            return (await AsyncHTTPClient().fetch(address)).body
        finally:
            await server._cleanup()

    assert run_sync(opened)() == (ROOT / "helpers" / "loop.py").read_bytes()


@pytest.mark.parametrize(
    ("notebook", "said"),
    [
        (ROOT / "notebooks" / "02-fit-sample-repeat.ipynb", "my/02-fit-sample-repeat.ipynb"),
        (ROOT / "my" / "02-fit-sample-repeat.ipynb", ""),
        ("", ""),
    ],
)
def test_an_original_that_is_run_names_the_copy(notebook: Path | str, said: str) -> None:
    environment = {**os.environ, "JPY_SESSION_NAME": str(notebook)}
    command = [sys.executable, "-c", "import helpers"]
    ran = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert said in ran.stdout if said else ran.stdout == ""
    assert ran.stdout.count("\n") == bool(said)
