# make demo    a virtual environment with cairn (no torch), a face found in a picture that comes with scikit-image
# make test    the rest of the environment (torch, pytest) and the tests
# make check   style, layers, types: what CI checks besides the tests
# On Windows, or without make: the pip lines below work as they stand (README.md has them).

PYTHON ?= python3
VENV ?= .venv
PIP = $(VENV)/bin/python -m pip
PYTEST_ARGS ?=

demo: $(VENV)/.demo
	$(VENV)/bin/python scripts/demo.py

test: $(VENV)/.test
	OMP_NUM_THREADS=1 $(VENV)/bin/python -m pytest -n 2 -rs $(PYTEST_ARGS)

check: $(VENV)/.test
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/lint-imports
	$(VENV)/bin/mypy

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) install -c constraints.txt .
	touch $@

# Editable, so that what is tested is what is being edited; it serves the demo as well.
$(VENV)/.test: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) install -c constraints.txt -e ".[test]"
	touch $(VENV)/.demo $@

.PHONY: demo test check
