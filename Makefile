# Every target makes its own virtual environment when there is none; only Python 3.11 is needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
CODE := quel_dagster quel_dagster_tests bench

.DEFAULT_GOAL := help
.PHONY: help setup demo test chaos check bench fix

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: $(READY) ## make the virtual environment with pinned versions

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or later is needed; run make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[demo,dev]'
	@touch $@

demo: $(READY) ## start everything on this machine and place sample orders, e.g. ARGS="--orders 15 --exit"
	$(BIN)/quel demo $(ARGS)

test: $(READY) ## run all tests against real servers started for them, e.g. ARGS="-k intake"
	$(BIN)/python -m pytest -n logical --maxprocesses 4 --dist loadgroup --no-loadscope-reorder $(ARGS)

chaos: $(READY) ## kill, freeze and cut everything under real jobs and count what became of them, ten minutes
	$(BIN)/quel chaos $(ARGS)

check: $(READY) ## lint, format, types, import contracts, SQL
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/basedpyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports
	$(BIN)/sqlfluff lint sql

fix: $(READY) ## let the linters mend what they can
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

bench: $(READY) ## measure runs beside stock Dagster and one warm process, and how busy back ends are, ten minutes
	$(BIN)/python bench/launch.py $(ARGS)
	$(BIN)/python bench/backends.py
