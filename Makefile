# `make demo` learns on the simulated core; `make test` tests everything; `make prove` does so with every injected fault instead
# of one in eight, at full length, and on random cores: more than 10 million values. Each makes its own virtual environment.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
WORKERS ?= 2

.PHONY: demo test prove lint docs measure install clean

demo: $(VENV)/.demo
	$(BIN)/ranvier demo

test: lint
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --durations 20

prove: lint
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --prove

# Contracts and types are checked on an installed copy: neither tool follows the folder mapping of an editable install.
lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	rm -rf build
	$(BIN)/pip install --quiet --no-deps --target build/installed .
	cd build/installed && ../../$(BIN)/lint-imports --config ../../pyproject.toml --no-cache
	cd build/installed && ../../$(BIN)/mypy --config-file ../../pyproject.toml -p ranvier

# What pages show as printed, as it is printed today: minutes, and what synthesis and place and route say, a quarter of an hour.
docs: $(VENV)/.test
	$(BIN)/python tests/tools/transcripts.py --slow README.md docs/*.md

measure: $(VENV)/.test
	$(BIN)/python tests/tools/transcripts.py --measured docs/measured.md

install: $(VENV)/.test

$(VENV)/.demo: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable .
	touch $@

$(VENV)/.test: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable ".[test]"
	touch $@ $(VENV)/.demo

clean:
	rm -rf $(VENV) build dist out *.egg-info
