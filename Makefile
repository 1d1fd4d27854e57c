# Everything runs in .venv, which is made when it is missing or older than the lock.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
# It holds millions of objects for long; looking for garbage among them as often as Python does takes a quarter of its time.
SQLFLUFF := $(BIN)/python -c 'import gc; gc.set_threshold(100_000, 50, 50); from sqlfluff.cli.commands import cli; cli()'
# Some images set it; then every process would compile anew what it imports, and every worker each test.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test truth lint lint-python lint-sql format bench dagster spark lock clean

help: ## Show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { echo "Python 3.11 to 3.13 is needed: make PYTHON=python3.11 …"; exit 3; }
	@echo "Installing into .venv (a minute or two, once) …"
	@$(PYTHON) -m venv --clear .venv
	@$(BIN)/pip install --quiet --no-deps --require-hashes --disable-pip-version-check -r requirements.lock
	@$(BIN)/pip install --quiet --no-deps --no-build-isolation --disable-pip-version-check --editable .
	@touch $@

demo: $(STAMP) ## Run the whole loop on a simulated world and show the funnel
	@$(BIN)/outreach demo

test: lint ## Lint, then run every test
	$(BIN)/pytest --numprocesses 4 --dist loadfile --no-loadscope-reorder --durations 15

truth: $(STAMP) ## Thirty days of a simulated world against the truth (half an hour)
	$(BIN)/pytest -m slow

lint: $(STAMP) ## Check Python, SQL and YAML
	@$(MAKE) --no-print-directory --jobs 2 --output-sync lint-sql lint-python

lint-python: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/yamllint --strict .

lint-sql: $(STAMP)
	$(SQLFLUFF) lint --disable-progress-bar models macros tests/data

format: $(STAMP) ## Format Python and SQL
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(SQLFLUFF) fix --disable-progress-bar models macros tests/data

bench: $(STAMP) ## Measure everything (an hour or more) and write docs/benchmarks.md
	$(BIN)/python -m benchmarks --write

dagster: $(STAMP) ## Test the definitions for Dagster, in an environment of their own
	$(BIN)/uv run --isolated --no-project --python $(BIN)/python --with-editable '.[dagster,dev]' python -m pytest tests/integration/dagster

# Hadoop's connector to S3, out of the one package that brings it; what else that wants, an old PySpark, stays away.
.clients/s3a: | $(STAMP)
	$(BIN)/uv pip install --quiet --python $(BIN)/python --target $@.unfinished --no-deps sagemaker-pyspark==1.4.5
	mv $@.unfinished $@

spark: $(STAMP) .clients/s3a ## Test the models on Spark, in folders and in S3, in an environment of their own; needs Java 17
	$(BIN)/uv run --isolated --no-project --python $(BIN)/python --with-editable '.[spark,spark-thrift,s3,dev]' --with 'moto[server]>=5.2' \
	  python -m pytest tests/integration/spark tests/unit/warehouse/test_raw_parquet.py tests/unit/publish/test_parquet_marts.py

COMPILE = $(BIN)/uv pip compile --universal --python-version 3.11 --upgrade --generate-hashes --no-annotate --no-header
PINNED = $(basename $(wildcard tests/integration/third_party_clients/*/*.in benchmarks/peers/*.in))

lock: $(STAMP) ## Renew requirements.lock from pyproject.toml, and the pinned files of others in tests and benchmarks
	$(COMPILE) pyproject.toml --extra dev --output-file requirements.lock
	$(foreach name,$(PINNED),$(COMPILE) $(name).in --quiet --output-file $(name).txt &&) true

clean: ## Remove everything that can be made again (not data/)
	rm -rf .venv .clients target logs .pytest_cache .mypy_cache .ruff_cache .hypothesis
