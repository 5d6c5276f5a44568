"""Shared helpers of the course *Closing the Loop*: what the notebooks import.

It is written to be read; it is not a training library for production use. The rooms, in the order
in which a newcomer should read them; the first three are single files, and the core:

loop          fit, sample, verify, choose, and again: everything else plugs into it
policies      what the next generation trains on
theory        closed forms that the runs are compared with
data          what counts as data, and where it comes from
models        fit, sample, score: from a Gaussian to a small GPT
metrics       what to measure on a generation, and what a series of numbers means
verification  who decides what is kept; the grader that runs programs
coding        the code task: a writer, its exams, its gates
capstone      the last lesson's game: a purse, ten generations, a policy that keeps a model alive
studies       the experiments at full size
results       what they measured, and what papers published
plots         figures
explorers     sliders over experiments, a module a lesson
teaching      predict, quiz, check, progress; the exercises
authoring     lessons to notebooks
book          notebooks to web pages
course        the course as a program: commands, environment, the learner's copies

Below them lie `_arguments`, the checks that many share, `_ground`, where the course lies,
`_threads`, why one is enough, `_progress`, the line that says how long a cell still takes, `_kept`,
what is left of a widget the next day, and `_imports`, which is called below: in a kernel no import
is left half done, and an interrupted cell says so in a line. The other modules of this folder are
old paths, kept through 1.x for copies that learners own. A room imports what stands before it or
below it, never the other way: tests/test_house.py has the order.
"""

# Three things come before a lesson's first line of work, and whatever a lesson imports of ours, it
# comes by here first. An import of numpy or torch can be protected only before it begins. Who
# presses Stop should not have to read a traceback. And who runs the course's own notebook, where
# nothing is saved, should read so at once and not after an hour. Outside of Jupyter they do
# nothing. They need the standard library alone: the command `course` comes by here before anything
# is installed.
from helpers._ground import original_line
from helpers._imports import interrupts_in_a_line, protect_imports

protect_imports()
interrupts_in_a_line()
if _line := original_line():
    print(_line)
