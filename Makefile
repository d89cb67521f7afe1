# Every target sets up .venv from the hash-locked requirements.lock first, when it is missing or stale.
# Needs: make and a Python >= 3.11 that can make virtual environments. Choose one with `make PYTHON=python3.12 ...`.

BIN     := .venv/bin
PYTHON  ?=
ARGS    ?=
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help demo ui test lint format container-test lock venv clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

demo: venv ## Run the main job on real data: Dagster assets into a local Redshift, checked against the source
	$(BIN)/python -m sandbox run -- $(BIN)/python -m examples.nyc_flights.demo $(ARGS)

ui: venv ## Open the same project in Dagster's web UI, against a local Redshift
	$(BIN)/python -m sandbox run -- $(BIN)/python -m examples.nyc_flights.ui $(ARGS)

test: venv ## Run the tests (ARGS='tests/unit -k name' narrows them)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m "not container" $(ARGS)

lint: venv ## Check style, formatting, types and import rules
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/python -m mypy
	$(BIN)/lint-imports

format: venv ## Mend style and formatting where that is safe
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

container-test: venv ## Build the container images and load from inside them (skipped where no Docker engine answers)
	$(BIN)/python -m pytest -m container tests/container $(ARGS)

lock: ## Write requirements*.lock anew from pyproject.toml (UPGRADE=1 takes the newest versions)
	.ci/lock

venv: ## Make .venv if it is missing or stale
	@$(if $(PYTHON),false,$(BIN)/python .ci/make_venv.py --check 2>/dev/null) || { python=$$(.ci/find-python $(PYTHON)) && "$$python" .ci/make_venv.py; }

clean: ## Remove .venv and everything else that these targets made
	rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
