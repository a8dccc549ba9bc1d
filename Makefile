# Every target sets up what it needs; what is done already is skipped. Variables given on the command line
# (make demo ONCE=1 FHIR_BASE=... STATE=...) reach the programs through their environment.
SHELL := /bin/sh
PYTHON_ENV := .venv/bin
COMPILE := uv pip compile $(ARGS) --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate --quiet
LOCK := $(COMPILE) pyproject.toml

.DEFAULT_GOAL := help
.PHONY: help demo test check bench live lock stop clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-7s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: ## a visit from launch to filed note on real servers; ONCE=1: stop after it; FHIR_BASE=URL: your FHIR server
	@smart-launch/setup.sh $(if $(FHIR_BASE),--without-hapi)
	@exec $(PYTHON_ENV)/python -m connector_sandbox demo

test: ## every test, real FHIR server and browser included; ARGS="-k launch": some of them; ARGS="-n 0": one at a time
	@smart-launch/setup.sh --with-chromium --with-contract
	@exec $(PYTHON_ENV)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

check: ## style, types, import floors, generated documents
	@smart-launch/setup.sh --without-hapi
	$(PYTHON_ENV)/ruff check .
	$(PYTHON_ENV)/ruff format --check .
	$(PYTHON_ENV)/mypy
	$(PYTHON_ENV)/lint-imports
	@if [ -f tests/house/generated.py ]; then set -x; $(PYTHON_ENV)/python -m tests.house.generated --check; fi

bench: ## names the benchmarks; NAME=visit: runs one
	@smart-launch/setup.sh
	@exec $(PYTHON_ENV)/python -m bench $(NAME)

live: ## one recording through the real AssemblyAI; needs CONNECTOR_ASSEMBLYAI_API_KEY, is billed some cents
	@smart-launch/setup.sh --without-hapi
	@exec $(PYTHON_ENV)/python -m bench.live

lock: ## recompiles requirements/*.txt from pyproject.toml and contract.in; ARGS=--upgrade: to the newest versions
	$(LOCK) --extra audio -o requirements/run.txt
	$(LOCK) --extra audio --extra dev -c requirements/run.txt -o requirements/dev.txt
	$(COMPILE) requirements/contract.in -c requirements/run.txt -o requirements/contract.txt

stop: ## stops every running demo
	@if [ -x $(PYTHON_ENV)/python ]; then exec $(PYTHON_ENV)/python -m connector_sandbox stop; fi

clean: ## stops every running demo; removes its state, .venv and what was built
	@if $(PYTHON_ENV)/python -c 'import connector_sandbox' 2>/dev/null; then \
		exec $(PYTHON_ENV)/python -m connector_sandbox.state clean; \
	fi
	rm -rf .venv .venv-contract *.egg-info build smart-launch/hapi/target .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
