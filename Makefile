# `make` lists what there is. Every target sets up what it needs; nothing needs an account or a running service.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules
# What a folder's own code must not depend on: a variable of the developer's shell.
unexport PYTHONPATH PYTHONHOME

VENV := .venv
BIN := $(VENV)/bin
# The first of these that runs and is new enough; `make PYTHON=... setup` overrides it.
PYTHON ?= $(shell for p in python3.11 python3.12 python3; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' 2>/dev/null && echo $$p && break; done)
WORKERS ?= 2
UV := uv==0.13.9

LOCK := deploy/requirements.lock
LOCKED := $(VENV)/.locked
READY := $(VENV)/.ready

DEMO := build/demo
TENANT := $(DEMO)/tenant.stamp
SIMULATOR := $(shell find pipelines/simulator schemas -name '*.py')

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: $(READY) $(TENANT) ## simulate a week of a tenant, compute its facts, show the summary
	@$(BIN)/flowfacts batch --input $(DEMO)/tenant/export --output $(DEMO)/facts \
		--calendar $(DEMO)/tenant/calendar.yaml || { \
		code=$$?; [ $$code -eq 3 ] || exit $$code; \
		echo "warning: some input files are cut short; their days stay open until they arrive whole (exit code 3)"; }

# The stamp lies beside the folder, so that half a tenant is never taken for a whole one.
$(TENANT): $(SIMULATOR) | $(READY)
	@rm -rf $(DEMO)
	@mkdir -p $(DEMO)
	$(BIN)/flowfacts simulate --output $(DEMO)/tenant --days 7 --orders-per-day 2860 --seed 7 --faults light
	@touch $@

.PHONY: stream-demo
stream-demo: $(READY) ## a Pub/Sub emulator, the streaming job, a simulated tenant: facts appear
	@$(BIN)/python -m tests.stream_demo build/stream-demo

.PHONY: test
test: $(READY) ## run the tests
	@$(BIN)/python -m tests.emulators.bigquery
	$(BIN)/pytest -q -n $(WORKERS)

.PHONY: slow
slow: $(READY) ## run the slow tests: a month of runs, kills, full disks, faults of BigQuery, the stream as a process
	@$(BIN)/python -m tests.emulators.bigquery
	$(BIN)/pytest -q -n $(WORKERS) tests/slow

KILLS ?= 50
.PHONY: soak
soak: $(READY) ## kill the batch job KILLS times at random points; SEED chooses them
	$(BIN)/python -m tests.soak.kills --kills $(KILLS) --seed $(or $(SEED),1)

.PHONY: browser
browser: $(READY) ## run the tests of the dashboard in a real Chromium
	$(BIN)/pytest -q tests/browser

.PHONY: superset
superset: $(READY) ## import the Superset dashboard into a real Superset and ask every chart; installs 900 MB once
	$(BIN)/pytest -q tests/superset

.PHONY: lint
lint: $(READY) ## check style, types, and that the generated files are current
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m schemas.generate --check
	$(BIN)/python -m pipelines.superset --check

.PHONY: format
format: $(READY) ## fix what ruff can fix
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

.PHONY: bench
bench: $(READY) ## measure the rates on this machine
	$(BIN)/python -m tests.bench

.PHONY: docs
docs: $(READY) ## write the files that are derived from schemas/
	$(BIN)/python -m schemas.generate
	$(BIN)/python -m pipelines.superset

.PHONY: setup
setup: $(READY) ## make .venv from the lock file

# The build tool comes from the lock too, hence no build isolation.
$(READY): pyproject.toml $(LOCKED)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# Made from nothing whenever the lock changes, so that a dropped dependency is gone. The lock is complete: what pip would
# find for itself is a newer release of what is pinned, which it then refuses for its missing hash.
$(LOCKED): $(LOCK)
	@[ -n "$(PYTHON)" ] || { echo "no Python 3.11 or 3.12 found; set PYTHON=/path/to/one" >&2; exit 1; }
	@echo "setting up $(VENV) with $(PYTHON), about a minute"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $(LOCK)
	@touch $@

.PHONY: lock
lock: ## pin the dependencies of pyproject.toml again; UPGRADE=1 takes the newest allowed
	@[ -n "$(PYTHON)" ] || { echo "no Python 3.11 or 3.12 found; set PYTHON=/path/to/one" >&2; exit 1; }
	@$(PYTHON) -m venv build/lock
	@build/lock/bin/python -m pip install --quiet --disable-pip-version-check $(UV)
	build/lock/bin/uv pip compile pyproject.toml --quiet --extra dev --universal --python-version 3.11 \
		--generate-hashes --no-header $(if $(UPGRADE),--upgrade) --output-file $(LOCK)
	build/lock/bin/uv pip compile deploy/bqemulator.in --quiet --universal --python-version 3.11 \
		--generate-hashes --no-header $(if $(UPGRADE),--upgrade) --output-file deploy/bqemulator.lock
	build/lock/bin/uv pip compile deploy/superset.in --quiet --universal --python-version 3.11 \
		--generate-hashes --no-header $(if $(UPGRADE),--upgrade) --output-file deploy/superset.lock

.PHONY: clean
clean: ## remove everything made here, but not .venv
	rm -rf build dist ./*.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find pipelines transforms schemas tests -name __pycache__ -type d -prune -exec rm -rf {} +
