# The course's commands. Each makes the environment .venv first if it is missing or out of date.
# Works with GNU make 3.81 and newer (what macOS has).

PYTHON ?= python3
PY := .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help env lab test book student execute check new lock clean

help: ## list the targets
	@grep -E '^[a-z]+:.*##' Makefile | sed -e 's/:.*## /|/' | awk -F'|' '{printf "  make %-8s %s\n", $$1, $$2}'

env: ## make or mend the environment, and fetch data and weights
	@command -v "$(PYTHON)" >/dev/null 2>&1 || { \
	  echo "There is no $(PYTHON) on PATH: install Python 3.11, 3.12 or 3.13, or name one: make env PYTHON=/path/to/python3.12" >&2; exit 1; }
	@"$(PYTHON)" tools/setup_env.py

lab: env ## open the course in JupyterLab (ARGS="--no-browser --port 9000" is passed on)
	@$(PY) -m tools.lab $(ARGS)

student: env ## make or update the learner's copy in learn/ without opening it
	@$(PY) -m tools.lab --no-open

test: env ## run every test; of one part with PART=cnns
	@$(PY) -m tools.run_tests $(if $(PART),--part $(PART))

book: env ## build the book into _build/html; EDITION=student: one without solutions, into _build/student/html
	@$(PY) -m tools.book $(if $(EDITION),--edition $(EDITION))

execute: env ## run a notebook, store its outputs and stamp it: NB=labs/cnns/name.ipynb
	@test -n "$(NB)" || { echo "Name the notebook: make execute NB=labs/cnns/digits-first-look.ipynb" >&2; exit 1; }
	@$(PY) -m tools.notebooks execute $(NB)

check: env ## check every notebook's form and stamps without running it
	@$(PY) -m tools.notebooks check

new: env ## scaffold a page and its labs: PART=cnns NAME=pooling COVERS=C3 TITLE="Pooling"
	@test -n "$(PART)" && test -n "$(NAME)" && test -n "$(COVERS)" && test -n "$(TITLE)" || { \
	  echo "Say what: make new PART=cnns NAME=pooling COVERS=C3 TITLE=\"Pooling\"" >&2; exit 1; }
	@$(PY) -m tools.scaffold "$(PART)" "$(NAME)" --covers $(COVERS) --title "$(TITLE)"

lock: env ## resolve requirements/ again from pyproject.toml (needs the network and uv; ARGS=--keep: only what is new)
	@$(PY) -m tools.lock $(ARGS)

clean: ## remove what is built (never .venv or learn/)
	rm -rf _build .pytest_cache
	find . -name __pycache__ -not -path './.venv/*' -not -path './learn/*' -prune -exec rm -rf {} +
