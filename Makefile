# Thin names for `python -m helpers ...`, which is what to type where there is no make.
# Another Python: make lab PYTHON=python3.12      Options: make lab ARGS=--no-browser
PYTHON ?= python3
COURSE := $(PYTHON) -m helpers

.PHONY: lab test book notebooks studies clean

lab:            ## open JupyterLab on your own copies of the lessons
	@$(COURSE) lab $(ARGS)

test:           ## run every check
	@$(COURSE) test $(ARGS)

book:           ## the course as web pages, in build/book
	@$(COURSE) book $(ARGS)

notebooks:      ## build lessons/*.md to notebooks/*.ipynb and execute them
	@$(COURSE) build $(ARGS)

studies:        ## run the recorded experiments again: hours, resumable
	@$(COURSE) study run all $(ARGS)

clean:          ## remove caches; never your answers or your copies
	@$(COURSE) clean
