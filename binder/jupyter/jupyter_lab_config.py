"""How JupyterLab starts for a learner: no news, no questions, and room for the lesson.

The layout is a workspace of the course's own, so that it neither takes over nor changes the one
that somebody uses elsewhere: the file browser is folded at the first start and stays as it is left.
"""

import json
from pathlib import Path

from jupyter_core.paths import jupyter_data_dir
from jupyterlab_server.workspaces_handler import WorkspacesManager

c = get_config()
c.LabApp.default_url = "/lab/tree/my/00-start-here.ipynb"
c.LabApp.news_url = None
c.LabApp.check_for_updates_class = "jupyterlab.NeverCheckForUpdate"
c.LabApp.extension_manager = "readonly"

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
