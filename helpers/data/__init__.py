"""What counts as data (samples), and where the course takes it from (stories, corpora, digits)."""

from helpers.data.samples import (
    Data,
    Replicates,
    check_data,
    concat,
    draw,
    read_only,
    size,
    take,
)

__all__ = [
    "Data",
    "Replicates",
    "check_data",
    "concat",
    "draw",
    "read_only",
    "size",
    "take",
]
