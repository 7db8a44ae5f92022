# Everything a developer runs. "make" alone lists the targets.
# .venv is made by the first target that needs it, from pyproject.toml and constraints.txt.

PYTHON ?= $(shell for python in python3 python3.11 python3.12 python3.13 python3.14; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && exit; \
	done; echo python3)
VENV := .venv
BENCH_VENV := .venv-bench
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
PARTS ?=
ARGS ?=
KERNEL ?= 6.1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-kernel check bench conformance schemas diagrams screenshot dist clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.installed ## open the shell on a Mobile IPv6 network of this machine (off a terminal: a tour)
	@$(BIN)/mipsh demo

test: $(VENV)/.installed-dev ## run all tests; ARGS="-k words" narrows them down
	@echo "Running the tests"
	@$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

test-kernel: $(VENV)/.installed-dev ## run tests/kernel on a real Mobile IPv6 kernel; KERNEL=6.12 ARGS="-k words"
	@$(BIN)/python tests/kernel/vm/run_on_kernel.py --kernel $(KERNEL) --results build/kernel-$(KERNEL) -- $(ARGS)

check: $(VENV)/.installed-dev ## lint, format, types, layers, house rules, packages
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest --quiet tests/test_house_rules.py
	$(BIN)/python -m pip --disable-pip-version-check check

bench: $(VENV)/.installed-dev $(BENCH_VENV)/.installed ## measure against the bars; PARTS="startup parsing" chooses
	@$(BIN)/python benchmarks/run.py $(PARTS)

conformance: $(VENV)/.installed-dev ## count the RFC 6275 cases that have a test, by role
	@$(BIN)/python tests/rfc6275/report.py

schemas: $(VENV)/.installed-dev ## write the JSON Schemas of all tables into mipsh/schemas
	@$(BIN)/mipsh --no-config --no-plugins describe --all --schema --directory mipsh/schemas

diagrams: $(VENV)/.installed-dev ## draw docs/state-machines.md from the tables of the node core
	@$(BIN)/python docs/make_state_machines.py

screenshot: $(VENV)/.installed-dev ## draw docs/screenshot.svg from the recorded network
	@$(BIN)/python docs/make_screenshot.py

dist: $(VENV)/.installed-dev ## build the sdist, and the wheel from it, into dist
	@$(BIN)/python -m build --no-isolation --outdir dist .

clean: ## remove everything that the targets above made
	rm -rf $(VENV) $(BENCH_VENV) dist build .coverage .coverage.*
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("mipsh needs Python 3.11 or newer; \
	$(PYTHON) is " + sys.version.split()[0] + ". Name another one: make PYTHON=python3.12")'
	@echo "Making $(VENV) with $$($(PYTHON) --version)"
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.installed: $(VENV)/.made pyproject.toml constraints.txt
	@echo "Installing mipsh and the libraries it uses into $(VENV)"
	@$(PIP) install -c constraints.txt hatchling editables
	@$(PIP) install -c constraints.txt --no-build-isolation -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@echo "Installing the tools for tests and checks into $(VENV)"
	@$(PIP) install -c constraints.txt --no-build-isolation -e '.[dev]'
	@touch $@

$(BENCH_VENV)/.installed: $(VENV)/.made benchmarks/constraints.txt
	@echo "Installing the shell that mipsh is compared with into $(BENCH_VENV)"
	@test -x $(BENCH_VENV)/bin/pip || $(BIN)/python -m venv $(BENCH_VENV)
	@$(BENCH_VENV)/bin/python -m pip --disable-pip-version-check -qq install -c benchmarks/constraints.txt litecli
	@touch $@
