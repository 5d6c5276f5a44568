"""How JupyterLab starts for a learner: no news, no questions, and room for the lesson.

The layout is a workspace of the course's own, so that it neither takes over nor changes the one
that somebody uses elsewhere: the file browser is folded at the first start and stays as it is left.
Notebooks of the course itself can be read and run, but not saved. How lessons look is in
custom/custom.css.
"""

import json
import os
from pathlib import Path

from jupyter_core.paths import jupyter_config_dir, jupyter_data_dir
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from jupyterlab_server.workspaces_handler import WorkspacesManager
from tornado.web import HTTPError

c = get_config()
c.Application.log_level = "WARN"  # and not thirty lines before the address to open
c.LabApp.default_url = "/lab/tree/my/00-start-here.ipynb"
c.LabApp.news_url = None
c.LabApp.check_for_updates_class = "jupyterlab.NeverCheckForUpdate"
c.LabApp.extension_manager = "readonly"
c.LabApp.custom_css = True
# A login shell, which is the default of a server that no terminal started, begins with the system's
# PATH: it would not find `course`, nor the course's Python.
if os.name != "nt":
    c.ServerApp.terminado_settings = {"shell_command": [os.environ.get("SHELL") or "/bin/sh"]}
# The place of custom.css is no option of its own; a learner's own file comes behind ours.
LOOKS = [Path(__file__).parent / "custom", Path(jupyter_config_dir()) / "custom"]
c.ServerApp.tornado_settings = {"static_custom_path": [str(folder) for folder in LOOKS]}


class CourseFiles(AsyncLargeFileManager):
    """Files of the course, whose own notebooks cannot be changed: learners have copies in my/."""

    def is_writable(self, path):
        """False for what lies in notebooks/ of the course; it is said on its tab."""
        return not is_original(self, path) and super().is_writable(path)

    async def save(self, model, path=""):
        if is_original(self, path):
            copy = path.replace("notebooks/", "my/", 1)
            raise HTTPError(403, f"The course's own notebook is kept as it is: work in {copy}")
        return await super().save(model, path)


def is_original(manager, path):
    """Whether `path` is a notebook of the course itself."""
    place = Path(manager._get_os_path(path.strip("/")))
    return place.suffix == ".ipynb" and place.parent == COURSE / "notebooks"


COURSE = Path(__file__).resolve().parents[2]
c.ServerApp.contents_manager_class = CourseFiles
# Lessons link to ../helpers, a symbolic link where the copies lie outside the checkout. The usual
# handler does not follow it out of the folder (since Tornado 6.6). This one asks CourseFiles.
c.ContentsManager.files_handler_class = "jupyter_server.files.handlers.FilesHandler"
FOLDED = {
    "layout-restorer:data": {
        "left": {"collapsed": True, "visible": True, "widgets": ["filebrowser"]},
        "right": {"collapsed": True, "visible": True, "widgets": []},
        "relativeSizes": [0, 1, 0],
    }
}
workspaces = Path(jupyter_data_dir()) / "closing-the-loop"
try:
    workspaces.mkdir(parents=True, exist_ok=True)
    if not any(workspaces.iterdir()):
        text = json.dumps({"data": FOLDED, "metadata": {"id": "default"}})
        WorkspacesManager(str(workspaces)).save("default", text)
except OSError:
    pass  # a home that cannot be written: JupyterLab's own place and layout
else:
    c.LabApp.workspaces_dir = str(workspaces)
