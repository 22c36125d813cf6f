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
	$(BIN)/pytest -q -n $(WORKERS) --dist worksteal

# Each chapter of the story goes on from the one before: one worker for all of them.
STORY := tests/slow/test_whole_story.py
.PHONY: slow
slow: $(READY) ## run the slow tests: a month of runs, kills, full disks, views in both engines, faults of BigQuery, the stream as a process
	@$(BIN)/python -m tests.emulators.bigquery
	$(BIN)/pytest -q -n $(WORKERS) --dist worksteal tests/slow --ignore $(STORY)
	$(BIN)/pytest -q $(STORY)

KILLS ?= 50
.PHONY: soak
soak: $(READY) ## kill the batch job KILLS times at random points; SEED chooses them
	$(BIN)/python -m tests.soak.kills --kills $(KILLS) --seed $(or $(SEED),1)

.PHONY: wheel
wheel: $(READY) ## install what is shipped as the images do, and run it away from the tree; about five minutes
	$(BIN)/pytest -q tests/wheel

.PHONY: browser
browser: $(READY) ## run the tests of the dashboard in a real Chromium
	$(BIN)/pytest -q tests/browser

.PHONY: superset
superset: $(READY) ## import the Superset dashboard into a real Superset and ask every chart; installs 900 MB once
	$(BIN)/pytest -q tests/superset

PRISM := build/engines/prism
.PHONY: engines
engines: $(READY) $(PRISM) ## run batch and stream on Prism, Beam's runner in Go, with kills in the middle; needs go
	$(BIN)/pytest -q tests/engines/test_prism.py

# The version of the SDK, so that both speak the same protocol.
$(PRISM): $(LOCKED)
	@command -v go >/dev/null || { echo "no go found; it builds Prism (1.26 or newer)" >&2; exit 1; }
	@mkdir -p $(@D)
	version=$$($(BIN)/python -c 'import importlib.metadata as m; print(m.version("apache-beam"))'); \
		GOBIN=$(CURDIR)/$(@D) go install github.com/apache/beam/sdks/v2/go/cmd/prism@v$$version
	@touch $@

FLINK := build/engines/flink
.PHONY: flink
flink: $(READY) $(FLINK)/.fetched ## run batch and stream on a Flink cluster, with a task manager killed; needs java 17 and mvn
	@command -v java >/dev/null || { echo "no java found; Flink needs 17 (Debian: openjdk-17-jre-headless)" >&2; exit 1; }
	$(BIN)/pytest -q tests/engines/test_flink.py

$(FLINK)/.fetched: tests/engines/flink.pom.xml
	@command -v mvn >/dev/null || { echo "no mvn found; it fetches Flink (Debian: apt-get install maven)" >&2; exit 1; }
	@rm -rf $(@D)
	@mkdir -p $(@D)
	@echo "fetching Flink and Beam's job server, 160 MB"
	@mvn -q -B -f $< org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies \
		-DoutputDirectory=$(CURDIR)/$(@D)/lib -DincludeScope=runtime
	@touch $@

.PHONY: lint
lint: $(READY) ## check style, types, and that the generated files are current
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m schemas.generate --check
	$(BIN)/python -m pipelines.dialect --check
	$(BIN)/python -m pipelines.superset --check
	$(BIN)/python -m pipelines.flex --check

.PHONY: format
format: $(READY) ## fix what ruff can fix
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

.PHONY: bench
bench: $(READY) ## measure the rates on this machine
	$(BIN)/python -m tests.bench
	$(BIN)/python -m tests.bench.stream
	$(BIN)/python -m tests.bench.engines

.PHONY: docs
docs: $(READY) ## write the files that are derived from schemas/ and from the options
	$(BIN)/python -m schemas.generate
	$(BIN)/python -m pipelines.dialect
	$(BIN)/python -m pipelines.superset
	$(BIN)/python -m pipelines.flex

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

# What the images need of the same releases: without the tools of development, for their one platform.
FOR_IMAGES := --quiet --python-version 3.11 --python-platform x86_64-manylinux_2_28 --constraint $(LOCK) \
	--generate-hashes --no-header --no-annotate

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
	build/lock/bin/uv pip compile deploy/checks.in --quiet --universal --python-version 3.11 \
		--generate-hashes --no-header $(if $(UPGRADE),--upgrade) --output-file deploy/checks.lock
	build/lock/bin/uv pip compile pyproject.toml $(FOR_IMAGES) --output-file deploy/containers/worker.lock
	build/lock/bin/uv pip compile pyproject.toml --extra dashboard $(FOR_IMAGES) --output-file deploy/containers/jobs.lock
	build/lock/bin/uv pip compile deploy/containers/build.in $(FOR_IMAGES) --output-file deploy/containers/build.lock

.PHONY: check-deploy
check-deploy: $(READY) ## check deploy/: Terraform, containers, scripts, units, manifests; installs their checkers
	$(BIN)/pytest -q -n $(WORKERS) tests/deploy

# The provider is built from its source, some 12 minutes on two cores, and kept.
PROVIDER := github.com/hashicorp/terraform-provider-google@v1.20.1-0.20260828184646-f3721fb45fa3
PROVIDER_DIR := build/terraform/$(lastword $(subst -, ,$(PROVIDER)))

.PHONY: terraform
terraform: $(PROVIDER_DIR)/terraform-provider-google ## validate and plan deploy/terraform with the real provider; needs Go and Terraform
	deploy/terraform/check.sh $(PROVIDER_DIR)

$(PROVIDER_DIR)/terraform-provider-google:
	@echo "building the provider, about 12 minutes"
	GOBIN=$(abspath $(PROVIDER_DIR)) GOFLAGS=-trimpath go install -ldflags '-s -w' -gcflags 'all=-N -l' $(PROVIDER)

.PHONY: clean
clean: ## remove everything made here, but not .venv
	rm -rf build dist ./*.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find pipelines transforms schemas tests -name __pycache__ -type d -prune -exec rm -rf {} +
