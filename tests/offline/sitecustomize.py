"""Python imports this at the start of every child of a test run: the kernels are offline too."""

import offline

offline.refuse_connections()
