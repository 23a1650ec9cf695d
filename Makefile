# A thin convenience over the `pcref` command (Windows: py bootstrap.py, then .venv\Scripts\pcref <verb>).
RUN ?= demo
PERIOD ?=
PYTHON ?= python3
PCREF = .venv/bin/pcref
OPTIONS = --run $(RUN) $(if $(PERIOD),--period $(PERIOD))

.DEFAULT_GOAL := help
.PHONY: help setup report test review lab data bench clean

help:    ## list the verbs
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16
	@echo "  RUN=name chooses notebooks/parameters/name.yml (demo by default); PERIOD=2022-23 overrides its period"
setup:   ## make or refresh .venv from the lock (every verb does this first)
	@$(PYTHON) bootstrap.py
report: setup  ## regenerate the published analysis: reports/RUN/index.html
	@$(PCREF) report $(OPTIONS)
test: setup    ## run the test suite
	@$(PCREF) test
review: setup  ## check the committed notebooks' outputs (with RUN=name: that run's executed notebooks)
	@$(PCREF) review $(if $(filter command line,$(origin RUN)),--run $(RUN))
lab: setup     ## open JupyterLab on the notebooks
	@$(PCREF) lab
data: setup    ## say which published figures are here, which are wanted, and from whom
	@$(PCREF) data $(OPTIONS)
bench: setup   ## run the benchmarks side by side
	@$(PCREF) bench
clean:   ## remove what can be made again (environment, caches, processed data); never reports or raw data
	@rm -rf .venv .pytest_cache .ruff_cache build data/processed/*/
