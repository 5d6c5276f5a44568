"""What authors use: lessons to notebooks (`build`), measured cost (`budget`), and the rules of a lesson.

Learners need none of it, and none of its dependencies (jupytext above all). The science never
imports this package. Read `lesson` (what a lesson is), `rules` (what it may not do), `references`
(numbers in prose), `execute` (running cells), `fingerprint` (which helpers a lesson uses), `build`.
"""
