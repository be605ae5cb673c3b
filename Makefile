# Two commands: `make demo` runs the benchmark on the built-in models and draws the chart;
# `make test` checks everything. Both make .venv first and install what they need into it.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP     = $(BIN)/python -m pip --disable-pip-version-check
# `make demo CUDA=1` builds llama.cpp for NVIDIA cards. On macOS it uses Metal without being told.
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

# Builds the encyclopedias that ship with the suites again, from the articles; the bytes are the same.
worlds: $(VENV)/.demo
	$(BIN)/python -m harness worlds build tasks/articles/*.txt -o tasks/core.sqlite --title 'The core encyclopedia' --licence CC0-1.0
	$(BIN)/python -m harness worlds build tasks/injection.txt -o tasks/injection.sqlite --title 'Pages that try to be more than text' --licence CC0-1.0

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed, for example: make demo PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)

# One stamp file for each set of extras, so that a second `make` installs nothing.
$(VENV)/.demo: $(BIN)/python pyproject.toml constraints.txt scripts/build_flags.py
	@echo "Installing into $(VENV). If llama.cpp has to be compiled, this takes some minutes, once."
	$(INSTALL) -e '.[llama]'
	touch $@

$(VENV)/.test: $(VENV)/.demo
	$(INSTALL) -e '.[llama,transformers,openai,live,zim,notebook,pico,dev]'
	touch $@

clean:
	rm -rf $(VENV) build *.egg-info
