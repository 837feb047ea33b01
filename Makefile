# Thin on purpose: each target is one command; logic lives in Python. Needs Python >= 3.11, make and git.
.DEFAULT_GOAL := help
.PHONY: help setup dev sandbox up down status test lint unit integration matrix e2e clean
MAKEFLAGS += --no-print-directory

# the first Python that is new enough; another one: make setup PYTHON=/path/to/python3
PYTHON = $(shell for each in python3 python3.13 python3.12 python3.11 python; do \
	"$$each" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo "$$each" && break; done)
TOO_OLD = error: no Python 3.11 or newer on PATH\n  python3 is: $$(python3 --version 2>&1)\nnext: install one (apt install python3.11, brew install python@3.12, pyenv install 3.11), or: make setup PYTHON=/path/to/python3\n
ENVIRONMENT = python="$(PYTHON)"; test -n "$$python" || { printf "$(TOO_OLD)" >&2; exit 4; }; \
	PYTHONPATH= "$$python" -m sandbox.runtimes.tool_env

# a folder that `sandbox bundle` wrote: everything is installed from it, nothing from a network
ifneq ($(BUNDLE),)
export SANDBOX_BUNDLE := $(BUNDLE)
endif

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

setup: ## Make .venv/ with the tool in it (again only when its lock changed)
	@$(ENVIRONMENT) tool

dev: ## Add to .venv/ what tests need: pytest, nox, the checkers (again only when their lock changed)
	@$(ENVIRONMENT) dev

sandbox: setup ## Set up, start everything, run the sample pipeline, print its tables
	@.venv/bin/sandbox quickstart

up: setup ## Start the sandbox
	@.venv/bin/sandbox up

down: ## Stop the sandbox
	@if test -x .venv/bin/sandbox; then .venv/bin/sandbox down; fi

status: setup ## Show what runs
	@.venv/bin/sandbox status

test: dev ## Run everything: lint, types, unit, docs, integration, e2e
	@.venv/bin/nox

lint: dev ## Check style, imports, spelling and types
	@.venv/bin/nox -s lint types

unit: dev ## Run the fast tests (no network, no services)
	@.venv/bin/nox -s unit

integration: dev ## Run the tests against real Airflow, S3, workspace
	@.venv/bin/nox -s integration

matrix: dev ## Run the cells of the group pr side by side
	@.venv/bin/nox -s matrix -- --group pr

e2e: dev ## Run a user's session from start to end
	@.venv/bin/nox -s e2e

clean: down ## Stop the sandbox; remove .venv/ and the tools' caches (the sandbox's data stays)
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .nox
