# Everything a person does from a checkout. Each target makes the .venv it needs; PYTHON=python3.12 chooses the interpreter.
.PHONY: run test test-thorough lint format bench readme clean

# make run ARGS="--feed sample --strategy sma_cross"
run:
	@PYTHON="$(PYTHON)" .ci/venv run
	@.venv/bin/tradeconsole $(ARGS)

# make test ARGS="tests/console -k journey"
test:
	@PYTHON="$(PYTHON)" .ci/venv dev
	.venv/bin/python -m pytest -q -n auto $(ARGS)

# Thousands of random sequences, kills and power cuts where `make test` tries dozens.
test-thorough:
	@PYTHON="$(PYTHON)" .ci/venv dev
	TRADECONSOLE_TESTS=thorough .venv/bin/python -m pytest -q -n auto --timeout 0 $(ARGS)

lint:
	@PYTHON="$(PYTHON)" .ci/venv dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

format:
	@PYTHON="$(PYTHON)" .ci/venv dev
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

bench:
	@PYTHON="$(PYTHON)" .ci/venv bench
	@set -e; for bench in $(sort $(basename $(notdir $(wildcard tests/bench/bench_*.py)))); do echo "== $$bench"; .venv/bin/python -m tests.bench.$$bench; done

readme:
	@PYTHON="$(PYTHON)" .ci/venv dev
	.venv/bin/python -m tests.readme --picture

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
