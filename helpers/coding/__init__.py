"""The code task: a small model writes Python functions, and running them decides what it learns.

language: what is asked for and what a right program looks like. writer: the model. grading: what
running a program tells. gates: who decides what is kept. exam: what a writer can do. None of it
is a second loop: an arm is a set of arguments of `helpers.loop.run_loop`.
"""
