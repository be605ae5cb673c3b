# Two commands: `make demo` runs the benchmark on the built-in models and draws the chart;
# `make test` checks everything. Both make .venv first and install what they need into it.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP     = $(BIN)/python -m pip --disable-pip-version-check
# CUDA=1 builds llama.cpp for NVIDIA; macOS gets Metal by itself.
INSTALL = eval "$$($(BIN)/python scripts/build_flags.py)" && $(PIP) install -q -c constraints.txt

.PHONY: demo test lint bench worlds clean

demo: $(VENV)/.demo
	$(BIN)/python -m harness run --model 'pico-*'
	$(BIN)/python -m harness plot -o runs/chart.png -o runs/chart.svg

test: lint
	$(BIN)/python -m pytest -n auto --dist loadgroup

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.test
	$(BIN)/python benchmarks/engine_speed.py

# The snapshots that ship with the suites, byte for byte, from their readable sources.
worlds: $(VENV)/.demo
	$(BIN)/python -m harness worlds build tasks/articles/*.txt -o tasks/core.sqlite --title 'The core encyclopedia' --licence CC0-1.0
	$(BIN)/python -m harness worlds build tasks/injection.txt -o tasks/injection.sqlite --title 'Pages that try to be more than text' --licence CC0-1.0

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.12 …")'
	$(PYTHON) -m venv $(VENV)

# One stamp a set of extras, so that a second `make` installs nothing.
$(VENV)/.demo: $(BIN)/python pyproject.toml constraints.txt scripts/build_flags.py
	@echo "installing; llama.cpp is built from source where there is no wheel, some minutes once"
	$(INSTALL) -e '.[llama]'
	touch $@

$(VENV)/.test: $(VENV)/.demo
	$(INSTALL) -e '.[llama,transformers,openai,live,zim,notebook,pico,dev]'
	touch $@

clean:
	rm -rf $(VENV) build *.egg-info
