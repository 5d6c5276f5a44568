"""Every model of the course: scikit-learn style estimators with fit / sample / score.

Each is loaded when it is first asked for, so that `import helpers.models` loads no torch. Their
names stand in `__init__.pyi`, once.
"""

import lazy_loader

from helpers import _threads  # noqa: F401 - a network needs no other module to compute

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
