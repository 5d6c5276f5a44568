"""Shared helpers of the course *Closing the Loop*: what the notebooks import.

Start reading at :mod:`helpers.loop`: one loop, and everything else plugs into it.
This package is written to be read; it is not a training library for production use.
"""
