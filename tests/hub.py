"""Eight learners of a real JupyterHub run a lesson at once, as lessons/instructors/hubs.md says.

    sudo python tests/hub.py FOLDER [--packages VENV] [--record]

installs in FOLDER what that page says, with JupyterHub and its proxy beside it, and makes eight
users of this machine, whom it takes away again. With --packages the packages are not installed but
those of an environment of the course that is there, such as .venv. All learners work through lesson
02 at the same time: one in Chromium, the others by the interfaces that JupyterLab uses. At the end
it lists what went wrong, and fails if there is anything. With --record the measurements become
lessons/hub.json, from which the page is filled.

It needs root, since the users are real ones; node with npm; Chromium; some 3 GB in FOLDER. Nothing
listens beyond 127.0.0.1, and that is checked, too. FOLDER must be one that every user can reach.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import Any

import psutil
from tornado.httpclient import HTTPClientError

sys.path.insert(0, str(Path(__file__).resolve().parent))
from hub_learner import Learner, ask
from hub_memory import Watch

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "lessons" / "instructors" / "hubs.md"
RECORD = ROOT / "lessons" / "hub.json"
COUNT = 8
NAMES = [f"ctl-hub-{number}" for number in range(1, COUNT + 1)]
LESSON = "02-fit-sample-repeat"
COPY = f"closing-the-loop/my/{LESSON}.ipynb"
HUB, PROXY = "jupyterhub==5.*", "configurable-http-proxy@5"
SHARED = "/srv/closing-the-loop"  # where the page puts the course
START_SECONDS, LESSON_SECONDS, LOOK_SECONDS = 600, 1500, 2

CONFIG = """\
c = get_config()
load_subconfig({course!r} + "/binder/hub_config.py")
c.JupyterHub.authenticator_class = "dummy"
c.DummyAuthenticator.password = {password!r}
c.Authenticator.allowed_users = set({names!r})
c.JupyterHub.bind_url = "http://127.0.0.1:{ports[0]}"
c.JupyterHub.hub_bind_url = "http://127.0.0.1:{ports[1]}"
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{ports[2]}"
c.ConfigurableHTTPProxy.command = [{proxy!r}]
c.Spawner.ip = "127.0.0.1"
c.Spawner.args = ["--LabApp.expose_app_in_browser=True"]  # the browser can be asked what it does
c.JupyterHub.services = [{{"name": "teacher", "api_token": {token!r}}}]
c.JupyterHub.load_roles = [
    {{"name": "teacher", "services": ["teacher"],
      "scopes": ["admin:users", "admin:servers", "tokens", "access:servers"]}}
]
"""

# What a learner should not be able to do, tried in their own kernel.
TRESPASS = """
import os, pathlib
course, others = pathlib.Path({course!r}), {others!r}
targets = [course / "notebooks" / "{lesson}.ipynb", course / "helpers" / "loop.py",
           course / "helpers" / "new.py", course / ".progress" / "progress.json",
           *(pathlib.Path(home) / "closing-the-loop" / "my" / "{lesson}.ipynb" for home in others)]
for target in targets:
    try:
        with open(target, "a"):
            print("could write", target)
    except OSError:
        pass
"""


# ---------------------------------------------------------------------- as the page says


def commands(page: str) -> list[list[str]]:
    """The commands by which the page installs the course for everybody, without sudo and git."""
    (block,) = re.findall(r"(?s)## The Littlest JupyterHub\n.*?```sh\n(.*?)```", page)
    lines = [line.removeprefix("sudo -E ") for line in block.splitlines()]
    return [line.split() for line in lines if line.split()[0] in ("pip", "python")]


def install(folder: Path, packages: Path | None) -> Path:
    """The course in `folder`, where nobody but root can write, and its environment; the course.

    packages: an environment whose packages are used; None to install them as the page says.
    """
    course = folder / "srv" / "closing-the-loop"
    if course.exists():
        shutil.rmtree(course)
    course.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["git", "clone", "-q", "--no-hardlinks", ROOT, course], check=True)
    env = folder / "env"
    inside = env / "bin"
    if not (inside / "python").exists():
        subprocess.run([reachable_python(), "-m", "venv", env], check=True)
    if packages:
        lend(packages, env, course)
    if not (inside / "jupyterhub").exists():
        subprocess.run([inside / "pip", "install", "-q", HUB], check=True)
    for command in commands(PAGE.read_text(encoding="utf-8")):
        if command[0] == "python" or not packages:
            print("$", *command, flush=True)
            subprocess.run([inside / command[0], *command[1:]], cwd=course, check=True)
    proxy = folder / "node"
    if not (proxy / "node_modules").exists():
        proxy.mkdir(exist_ok=True)
        options = ["--no-audit", "--no-fund", "--silent"]
        subprocess.run(["npm", "install", *options, PROXY], cwd=proxy, check=True)
    return course


def lend(packages: Path, env: Path, course: Path) -> None:
    """Let `env` import the course and then what is installed in the environment `packages`.

    Lines of a .pth file are folders; what is editable in `packages` is not taken over.
    """
    (theirs,) = packages.glob("lib/python3.*/site-packages")
    ours = env / theirs.relative_to(packages)
    if not ours.is_dir():
        raise SystemExit(f"--packages must hold packages for {reachable_python()}, got {theirs}")
    (ours / "course.pth").write_text(f"{course}\n{theirs}\n")
    for name in ("share", "etc"):
        shutil.rmtree(env / name / "jupyter", ignore_errors=True)
        tools = shutil.ignore_patterns("jupytext*")  # an author's, not on a hub
        shutil.copytree(packages / name / "jupyter", env / name / "jupyter", ignore=tools)


def reachable_python() -> str:
    """A Python that somebody else may run, too; root's own may lie in root's home."""
    for name in ("/usr/bin/python3", sys.executable):
        try:
            subprocess.run([name, "-c", "import venv, ensurepip"], check=True, user="nobody")
        except (OSError, subprocess.CalledProcessError):
            continue
        return name
    raise SystemExit("no Python with venv that every user of this machine can run")


def tree(folder: Path) -> dict[str, str]:
    """Every file below `folder` with a hash of what it holds."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


# ---------------------------------------------------------------------- users, hub, proxy


@contextmanager
def users(homes: Path) -> Iterator[dict[str, int]]:
    """The learners as users of this machine, name -> uid, each with a home that is theirs alone."""
    there = [name for name in NAMES if name in {entry.pw_name for entry in pwd.getpwall()}]
    if there:
        raise SystemExit(f"users of these names are there already: {', '.join(there)}")
    homes.mkdir(exist_ok=True)
    made: list[str] = []
    try:
        for name in NAMES:
            home = ["--create-home", "--home-dir", homes / name, "-K", "HOME_MODE=0700"]
            subprocess.run(["useradd", *home, "--shell", "/bin/bash", name], check=True)
            made.append(name)
        yield {name: pwd.getpwnam(name).pw_uid for name in NAMES}
    finally:
        theirs = {pwd.getpwnam(name).pw_uid for name in made}
        for process in psutil.process_iter(["uids"]):
            if process.info["uids"].real in theirs:
                process.kill()
        time.sleep(1)
        for name in made:
            subprocess.run(["userdel", "--remove", name], check=True, stderr=subprocess.DEVNULL)


@contextmanager
def hub(folder: Path, course: Path, password: str, token: str) -> Iterator[tuple[str, int]]:
    """The address of a running hub and its process; stopped, with all servers, at the end."""
    state = folder / "state"
    shutil.rmtree(state, ignore_errors=True)
    state.mkdir(mode=0o700)
    ports = free_ports(3)
    proxy = str(folder / "node" / "node_modules" / ".bin" / "configurable-http-proxy")
    config = CONFIG.format(course=str(course), password=password, names=NAMES, ports=ports,
                           proxy=proxy, token=token)  # fmt: skip
    (state / "jupyterhub_config.py").write_text(config)
    path = f"{folder / 'env' / 'bin'}:/usr/local/bin:/usr/bin:/bin"
    with open(state / "hub.log", "wb") as log:
        process = subprocess.Popen(
            [folder / "env" / "bin" / "jupyterhub"],
            cwd=state,
            env={"PATH": path, "HOME": str(state), "LANG": "C.UTF-8"},
            stdout=log,
            stderr=log,
        )
    try:
        address = f"http://127.0.0.1:{ports[0]}"
        asyncio.run(until_up(f"{address}/hub/api/", token, process, state / "hub.log"))
        yield address, process.pid
    finally:
        started = []
        with suppress(psutil.NoSuchProcess):
            started = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(60)
        for one in [*started, process]:  # the proxy has a session of its own
            with suppress(psutil.NoSuchProcess):
                one.kill()


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 on which nothing listens."""
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


async def until_up(url: str, token: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the hub answers."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            await ask(url, token)
        except (OSError, HTTPClientError):  # the proxy is up before the hub is
            await asyncio.sleep(LOOK_SECONDS)
        else:
            return
    raise SystemExit(f"the hub did not start:\n{log.read_text('utf-8')[-3000:]}")


# ---------------------------------------------------------------------- the class


class Class:
    """Eight learners in one lesson at `address`; `complaints` is what went wrong."""

    def __init__(self, address: str, token: str, course: Path, homes: Path) -> None:
        self.address, self.token, self.course, self.homes = address, token, course, homes
        self.complaints: list[str] = []
        self.learners: list[Learner] = []

    def api(self, name: str) -> str:
        """The hub's address for the user `name`."""
        return f"{self.address}/hub/api/users/{name}"

    async def start(self, name: str) -> None:
        """Start the server of `name` and wait until it answers."""
        await ask(f"{self.api(name)}/server", self.token, "POST", {})
        async with asyncio.timeout(START_SECONDS):
            while not (await ask(self.api(name), self.token))["servers"].get("", {}).get("ready"):
                await asyncio.sleep(LOOK_SECONDS)

    async def start_all(self) -> float:
        """Start all servers at once; the seconds until the last one answers."""
        begun = time.monotonic()
        await asyncio.gather(*(self.start(name) for name in NAMES))
        for number, name in enumerate(NAMES, 1):
            made = await ask(f"{self.api(name)}/tokens", self.token, "POST", {})
            self.learners.append(
                Learner(name, number, f"{self.address}/user/{name}/", made["token"])
            )
        return time.monotonic() - begun

    async def run(self, in_browser: Any) -> float:
        """All of them take the lesson at once, the first in a browser; the seconds it takes."""
        begun = time.monotonic()
        async with asyncio.timeout(LESSON_SECONDS):
            ended = await asyncio.gather(
                asyncio.to_thread(in_browser, self.learners[0]),
                *(self.take(learner) for learner in self.learners[1:]),
                return_exceptions=True,
            )
        for learner, end in zip(self.learners, ended, strict=True):
            if isinstance(end, BaseException):
                learner.complaints.append(f"did not get through: {end!r}"[:600])
        return time.monotonic() - begun

    async def take(self, learner: Learner) -> None:
        """One of them works through the lesson, saves it, and tries what is not theirs."""
        notebook = await learner.open(COPY)
        await learner.work_through(notebook)
        model = {"type": "notebook", "format": "json", "content": notebook}
        await learner.ask(f"api/contents/{COPY}", "PUT", model)
        await self.trespass(learner)

    async def trespass(self, learner: Learner) -> None:
        """Try to write what belongs to the course or to another."""
        others = [str(self.homes / name) for name in NAMES if name != learner.name]
        source = TRESPASS.format(course=str(self.course), others=others, lesson=LESSON)
        ran = await learner.run(source)
        learner.complaints += [*ran.text.splitlines(), *ran.errors]
        text = {"type": "file", "format": "text", "content": "mine"}
        helper = "closing-the-loop/helpers/loop.py"
        if not await learner.refused(f"api/contents/{helper}", "PUT", text):
            learner.complaints.append(f"JupyterLab could save over {helper}")
        seen = await learner.ask(f"api/contents/{helper}?type=file&format=text")
        if "def run_loop" not in seen["content"]:
            learner.complaints.append(f"{helper}, to which lessons link, cannot be read")

    async def next_day(self, learner: Learner) -> None:
        """Their server is stopped and started again: what they had is there, as they left it."""
        before = tree(self.homes / learner.name / "closing-the-loop")
        await ask(f"{self.api(learner.name)}/server", self.token, "DELETE")
        async with asyncio.timeout(START_SECONDS):
            while (await ask(self.api(learner.name), self.token))["servers"]:
                await asyncio.sleep(LOOK_SECONDS)
        await self.start(learner.name)
        if tree(self.homes / learner.name / "closing-the-loop") != before:
            learner.complaints.append("their files are others after a second start")

    def check_files(self) -> None:
        """Everybody's copy and answers are in their own home, and nobody else's."""
        for learner in self.learners:
            home = self.homes / learner.name / "closing-the-loop"
            copy = (home / "my" / f"{LESSON}.ipynb").read_text(encoding="utf-8")
            signed = set(re.findall(r"ctl-hub-\d", copy))
            if signed != {learner.name}:
                learner.complaints.append(f"their copy is signed by {sorted(signed)}")
            progress = home / ".progress" / "progress.json"
            if not progress.exists():
                learner.complaints.append(f"no answers in {progress}")
                continue
            kept = json.loads(progress.read_text(encoding="utf-8"))
            for section, entered in learner.entered.items():
                for key, value in entered.items():
                    entry = kept[section].get(key, {})
                    found = entry.get("value", entry.get("chosen", [None])[0])
                    if found != value:
                        learner.complaints.append(f"{key}: entered {value}, kept {found}")
            if len(learner.entered["predictions"]) < 2 or len(learner.entered["answers"]) < 4:
                learner.complaints.append(f"too few forms were filled in: {learner.entered}")

    def all_complaints(self) -> list[str]:
        """What went wrong, of all of them, a line each."""
        own = (f"{one.name}: {what}" for one in self.learners for what in one.complaints)
        return [*self.complaints, *own]


def beyond_loopback(processes: list[psutil.Process]) -> list[str]:
    """What `processes` listen on or talk to that is not this machine's own 127.0.0.1."""
    found = set()
    for process in processes:
        try:
            connections = process.net_connections("inet")
        except psutil.Error:
            continue
        for one in connections:
            ends = [end.ip for end in (one.laddr, one.raddr) if end]
            if any(not ip.startswith(("127.", "::1", "::ffff:127.")) for ip in ends):
                found.add(f"{process.name()} is at {one.laddr} and {one.raddr}")
    return sorted(found)


# ---------------------------------------------------------------------- all of it


def versions(folder: Path) -> dict[str, str]:
    """What was run, as it says itself."""
    names = ("jupyterhub", "jupyterlab", "jupyter-server", "ipykernel")
    ask_all = f"from importlib.metadata import version; print(*map(version, {names}))"
    python = folder / "env" / "bin" / "python"
    found = subprocess.run([python, "-c", ask_all], capture_output=True, text=True, check=True)
    package = folder / "node" / "node_modules" / "configurable-http-proxy" / "package.json"
    own = subprocess.run([python, "-V"], capture_output=True, text=True, check=True)
    return {
        **dict(zip(names, found.stdout.split(), strict=True)),
        "configurable-http-proxy": json.loads(package.read_text())["version"],
        "python": own.stdout.split()[1],
    }


def run(folder: Path, packages: Path | None) -> tuple[dict[str, Any], list[str]]:
    """What was measured, and what went wrong."""
    from hub_browser import in_browser  # here: tests of this module need no Playwright

    course = install(folder, packages)
    homes = folder / "home"
    password, token = secrets.token_urlsafe(), secrets.token_hex(32)
    before = tree(course)
    with users(homes) as uids, hub(folder, course, password, token) as (address, process):
        lesson = Class(address, token, course, homes)

        async def whole() -> dict[str, Any]:
            seconds = {"start_seconds": await lesson.start_all()}
            print(f"eight servers after {seconds['start_seconds']:.0f} s", flush=True)
            with Watch(uids, process) as watch:
                seconds["lesson_seconds"] = await lesson.run(
                    lambda learner: in_browser(learner, address, password, homes, COPY)
                )
            lesson.complaints += beyond_loopback(watch.processes())
            lesson.check_files()
            for learner in lesson.learners:
                learner.leave()
            await lesson.next_day(lesson.learners[-1])
            return {**seconds, **watch.found()}

        try:
            measured = asyncio.run(whole())
        finally:
            print((folder / "state" / "hub.log").read_text()[-2000:], file=sys.stderr)
    after = tree(course)
    changed = [path for path in {*before, *after} if before.get(path) != after.get(path)]
    lesson.complaints += [f"the course's own file was changed: {path}" for path in changed]
    machine = {
        "date": str(date.today()),
        "lesson": LESSON,
        "learners": COUNT,
        "installed": packages is None,
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30),
        "versions": versions(folder),
    }
    rounded = {name: round(value, 1) for name, value in measured.items()}
    return {**machine, **rounded}, lesson.all_complaints()


def main(arguments: list[str]) -> int:
    """The exit code: 0 if nothing went wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="where to install; made if need be")
    parser.add_argument("--packages", type=Path, help="an environment whose packages are used")
    parser.add_argument("--record", action="store_true", help="write lessons/hub.json")
    chosen = parser.parse_args(arguments)
    if os.geteuid() != 0:
        print("root is needed: the learners are made users of this machine", file=sys.stderr)
        return 2
    chosen.folder.mkdir(parents=True, exist_ok=True)
    measured, complaints = run(chosen.folder.absolute(), chosen.packages)
    text = json.dumps(measured, indent=1) + "\n"
    print(text, *complaints, f"{len(complaints)} complaints", sep="\n")
    if chosen.record and not complaints:
        RECORD.write_text(text, encoding="utf-8")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
