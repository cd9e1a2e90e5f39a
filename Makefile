# Every target makes its own virtual environment when there is none; only Python 3.11 is needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
CODE := quel_dagster quel_dagster_tests bench

.DEFAULT_GOAL := help
.PHONY: help setup demo test chaos check fix bench bench-full

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

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

bench: $(READY) ## measure launch, back ends, cost and tick against their targets, small sizes, eight minutes
	@$(call each, "launch.py --stock-burst 12 --steady 10 --sparse 3" backends.py \
	  "cost.py --steady 30 --idle 20" "tick.py --many 100000 --rounds 100 --seconds 4")

bench-full: $(READY) ## measure everything at full size, most of an hour; for a machine that does nothing else
	@$(call each, launch.py backends.py cost.py tick.py growth.py "backfill.py --rows 2000000" path_hours.py alerts.py)

# Every bench runs, whatever became of the one before; the status is 1 when any missed a target.
each = status=0; for bench in $(1); do $(BIN)/python bench/$$bench || status=1; done; exit $$status
