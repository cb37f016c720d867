# `make help` lists the targets. People and CI use the same ones.
.DEFAULT_GOAL := help
.PHONY: fuzz help setup setup-dev setup-bench demo run example test test-fast test-all coverage lint bench chaos escape mutants eval lock clean

PYTHON := .venv/bin/python
PROMPT ?= a tip calculator
ARGS ?=
# As it was given: make would take `$` for a variable of its own, and run what stands in `$(shell …)`.
override PROMPT := $(value PROMPT)
export PROMPT

# Four processes for two cores, since much of the suite waits; in the order of tests/conftest.py, long ones first.
SPREAD := --numprocesses 4 --dist loadfile --no-loadscope-reorder

# Runs most of what the whole suite runs of the code.
MEASURED := -m "not browser and not slow" tests/agent tests/destinations tests/formats tests/http tests/orchestrator tests/service

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install what the service needs (virtual environment, Redis, bubblewrap)
	@tools/setup.sh

setup-dev:
	@tools/setup.sh dev

setup-bench:
	@tools/setup.sh bench

demo: setup ## Watch the agent work and open what it built: make demo PROMPT="a tip calculator" SERVE=60
	@$(PYTHON) -m tools.demo "$$PROMPT"

run: setup ## Serve in the foreground: make run PORT=8000
	@$(PYTHON) -m tools.serve

example: setup-dev ## Serve an example page: make example NAME=use-chat (event-source, ag-ui, use-run, original-reader)
	@$(PYTHON) -m tools.examples $(NAME)

test: setup-dev ## Run the whole suite: make test ARGS="-k cancel"
	@$(PYTHON) -m pytest $(SPREAD) $(ARGS)

test-fast: setup-dev ## Under a minute: what starts no program of its own, and bad input to one service
	@$(PYTHON) -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder --quiet -m fast $(ARGS)

test-all: setup-dev ## The same with the long ones: storms, kills under evaluation, the red team as an ordinary user, coverage
	@$(PYTHON) -m pytest $(SPREAD) -m "slow or not slow" $(ARGS)
	@$(if $(ARGS),,$(MAKE) coverage)

coverage: setup-dev ## What the tests run of agent/ and orchestrator/, services included; fails below its floor
	@$(PYTHON) -m pytest --numprocesses 2 --dist loadfile --cov --cov-report term $(MEASURED) $(ARGS)

lint: setup-dev ## Check style and types
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m mypy

bench: setup-bench ## Measure against peers: make bench QUICK=1 for the short form
	@QUICK=$(QUICK) $(PYTHON) -m bench $(ARGS)

chaos: setup-dev ## Break everything on purpose and count what got lost
	@$(PYTHON) -m bench.chaos $(ARGS)

fuzz: setup-dev ## Send 20,000 requests that nobody should send: make fuzz ARGS="--seed 7"
	@$(PYTHON) -m tests.fuzz $(ARGS)

escape: setup-dev ## Try to break out of the jail, as root and as an ordinary user
	@$(PYTHON) -m tests.escape $(ARGS)

eval: setup-dev ## Let a model work on 30 tasks: make eval ARGS="--model NAME"; EVAL_KILL=1 kills meanwhile
	@$(PYTHON) -m evals $(ARGS)

mutants: setup-dev ## Switch each mechanism off in a copy and see the suite notice
	@$(PYTHON) -m tools.mutants $(ARGS)

lock: setup-dev ## Write the lock files anew after a change of requirements: make lock ARGS=--upgrade
	@tools/lock.sh $(ARGS)

clean: ## Remove what the other targets made (not runwire-output/)
	rm -rf .venv .runwire .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
