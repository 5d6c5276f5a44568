"""The course as web pages that need no kernel and no network: `make book`.

Pages are made of the notebooks as they are stored, outputs and all; nothing is executed. It is not
another edition: what a lesson says stands in lessons/*.md, and here only what a page without a
kernel must do in its own way: answers that unfold, predictions kept in the browser, sliders over
pictures that were drawn beforehand.

build    the command: source pages, then Sphinx
pages    which pages there are, and where links lead
cells    one notebook, made to be read
forms    a quiz, a prediction, an answer, a slider as HTML
frames   the pictures of an explorer, one a stop of its sliders
site     what Sphinx must be told: formulas as MathML, anchors as in JupyterLab
slides   a lesson as slides for a room, of the same notebooks; reveal/ is what they need
static   one style sheet, one script, the words of the first page
"""
