"""What a lesson asks of its reader, and what it remembers: predictions, quizzes, checks, progress.

Nothing here runs an experiment or draws a figure, and the science never imports it. Answers stay on
the learner's machine, in one JSON file.
"""

from helpers.teaching import progress
from helpers.teaching.checks import check
from helpers.teaching.compared import compare_claims
from helpers.teaching.dice import class_tallies, simulated_class
from helpers.teaching.matrix import (
    claim,
    claim_cards,
    compare_verdicts,
    verdict,
    verdict_matrix,
)
from helpers.teaching.predictions import predict
from helpers.teaching.quizzes import quiz, tally
from helpers.teaching.scores import calibration
from helpers.teaching.takehome import take_home

__all__ = [
    "calibration",
    "check",
    "claim",
    "claim_cards",
    "class_tallies",
    "compare_claims",
    "compare_verdicts",
    "predict",
    "progress",
    "quiz",
    "simulated_class",
    "take_home",
    "tally",
    "verdict",
    "verdict_matrix",
]
