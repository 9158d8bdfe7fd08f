.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
WORKERS ?= 2

.PHONY: help setup demo up lint docs test test-long bench fuzz campaign

help:  ## Show what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-10s %s\n", $$1, $$2}'

setup: $(STAMP)  ## Make .venv from requirements.lock

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo 'Python 3.11 or newer is needed: make PYTHON=python3.11 …'; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip --upgrade
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	touch $@

demo: setup  ## Bring everything up and run the main job; KEEP=1 leaves it running, DATA=folder takes the real set
	$(BIN)/dukao demo $(if $(KEEP),--keep) $(if $(DATA),--data $(DATA))

up: setup  ## Bring the platform up and stay in the foreground; Ctrl-C ends it
	$(BIN)/dukao up

lint: setup  ## Check style, types and the contracts between rooms
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright
	$(BIN)/lint-imports --no-cache

docs: setup  ## Generate OpenAPI and AsyncAPI from the code
	$(BIN)/python -m dukao.documents

test: setup  ## Run everything that fits into ten minutes; WORKERS=1 runs one test at a time
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile -m "not long" -ra

test-long: setup  ## Run the rest of what CI runs: real data sets, kills, long properties
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile -m "long and not whole and not system" -ra || test $$? -eq 5
	$(BIN)/python -m pytest -q -m "long and not whole and system" -ra || test $$? -eq 5

campaign: setup  ## Inject every fault into real processes, an hour and more; FAULT=F8 SEED=7 takes one, ALLOW_MISSING=1 forgives what the machine lacks
	$(BIN)/python -m campaign $(if $(FAULT),--fault $(FAULT)) $(if $(SEED),--seed $(SEED)) $(if $(ALLOW_MISSING),--allow-missing)
	$(if $(FAULT),,$(BIN)/python -m pytest -q -m whole -ra)

bench: setup  ## Measure throughput, latency and cost; the last line is one JSON object; BENCH="--only kafka" takes a part
	$(BIN)/python -m benchmarks $(BENCH)

fuzz: setup  ## Change inputs of the strict decoder at random; SECONDS=60, SEED= repeats a run
	$(BIN)/python -m tests.kernel.fuzzing $(or $(SECONDS),60) $(SEED)
