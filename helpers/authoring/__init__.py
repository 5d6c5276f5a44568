"""What authors use: lessons to notebooks (`build`), their cost (`budget`), their rules (`rules`).

Learners need none of it, and none of its dependencies (jupytext above all). The science never
imports this package. In the order of reading: `markdown` (what is code, what is prose), `lesson` (a
parsed lesson), `rules` and `questions` (what it must keep), `references` (numbers in prose),
`course` (the two folders, a lesson made ready), `execute` (running cells), `notebook` (what is
written), `fingerprint` (which helpers a lesson uses), `build` and `check`, `budget`.
"""
