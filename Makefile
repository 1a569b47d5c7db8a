# Two commands to begin with: make demo, make test.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test system format bench clean

demo: $(VENV)/.base
	$(BIN)/python examples/demo.py demo-out

test: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest

# what one system promises: make system NAME=adaface
system: $(VENV)/.test
	$(BIN)/python tools/render.py
	$(BIN)/ruff check src/mien/systems tests/systems
	$(BIN)/ruff format --check src/mien/systems tests/systems
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/test_layers.py tests/test_cards.py tests/test_docs.py tests/conformance tests/systems -k "$(NAME) or layers or cards or docs"

bench: $(VENV)/.base
	$(BIN)/python benchmarks/analyze.py

format: $(VENV)/.test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(VENV)/.python:
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/.base: $(VENV)/.python pyproject.toml constraints.txt
	$(PIP) -e .
	touch $@

$(VENV)/.test: $(VENV)/.python pyproject.toml constraints.txt
	$(PIP) -e '.[test,train]'
	touch $@

clean:
	rm -rf $(VENV) demo-out build dist
