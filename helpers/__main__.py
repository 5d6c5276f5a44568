"""`python -m helpers ...`: the same as the command `course`; works before anything is installed."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - asked here because an old Python cannot read cli
    sys.exit(
        "This course needs Python 3.11, 3.12 or 3.13, and this is Python %d.%d (%s).\n"  # noqa: UP031
        "Install a newer one and name it: make lab PYTHON=python3.12\n"
        "or, without make: python3.12 -m helpers lab"
        % (sys.version_info[0], sys.version_info[1], sys.executable)
    )

from helpers.course.cli import main

if __name__ == "__main__":
    sys.exit(main())
