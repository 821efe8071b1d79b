# Everything a newcomer needs: make demo, make test.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin

.PHONY: venv demo test test-real test-heavy coverage lint types audit bench bench-long chaos chaos-long lock picture clean

$(VENV)/.runtime: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "govpost needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try: make demo PYTHON=python3.12")'
	@echo "Setting up $(VENV) …"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements-dev.lock
	@echo "Adding the test tools …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

venv: $(VENV)/.dev

demo: $(VENV)/.runtime  ## run the main job on the example city
	@$(BIN)/govpost demo

test: $(VENV)/.dev  ## run every test that needs nothing installed
	@$(BIN)/python -m pytest --numprocesses auto --dist worksteal

test-real: $(VENV)/.dev  ## run the plugins against real servers, which it installs into ~/.cache/govpost
	@PYTHON=$(PYTHON) tests/real/install.sh
	@GOVPOST_REAL=require $(BIN)/python -m pytest --numprocesses 2 --dist loadfile -m "not heavy" tests/real

test-heavy: $(VENV)/.dev  ## the same with an AppView and Postfix; they need Debian's PostgreSQL, Redis and Postfix
	@PYTHON=$(PYTHON) tests/real/install.sh heavy
	@GOVPOST_REAL=1 $(BIN)/python -m pytest --numprocesses 2 --dist loadfile -m heavy tests/real

coverage: $(VENV)/.dev  ## the same with coverage of src/ and plugins/
	@rm -f .coverage .coverage.*
	@$(BIN)/python -m pytest --numprocesses auto --cov --cov-report=term

lint: $(VENV)/.dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(VENV)/.dev
	@$(BIN)/mypy

audit: $(VENV)/.dev  ## known holes in the pinned libraries, where an advisory service can be asked
	@$(BIN)/python tests/audit.py

bench: $(VENV)/.dev  ## the measurements in their short form, with a table; bench/results.json
	@$(BIN)/python bench/run.py --size $(or $(SIZE),short)

bench-long: $(VENV)/.dev  ## the same at full size, with the table in docs/performance.md; takes its time
	@$(BIN)/python bench/run.py --size long --write

chaos: $(VENV)/.dev  ## real daemons under kill, fault and load, judged against the platform's ledger; CHAOS_SEED=1 replays
	@PYTHONPATH=tests $(BIN)/python -m chaos
	@PYTHONPATH=tests $(BIN)/python -m chaos --store postgresql --deliveries 1000 --kills 30

chaos-long: $(VENV)/.dev  ## the same with 100,000 deliveries and 1,000 kills, and death at every statement; takes hours
	@CHAOS_EVERY=1 $(BIN)/python -m pytest -q --numprocesses auto --timeout 3600 tests/chaos/test_crash_points.py
	@PYTHONPATH=tests $(BIN)/python -m chaos --long
	@PYTHONPATH=tests $(BIN)/python -m chaos --long --store postgresql

picture: $(VENV)/.runtime  ## draw docs/demo.svg anew
	@$(BIN)/python docs/draw_demo.py

lock:  ## pin the dependencies anew (needs uv)
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --group build --output-file requirements.lock pyproject.toml
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --extra dev --constraints requirements.lock --output-file requirements-dev.lock pyproject.toml

clean:
	@rm -rf $(VENV) .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache .hypothesis
