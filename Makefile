# Everything a checkout needs: each target makes .venv itself when it is missing.
# Needs Python 3.11 or newer and make; `make PYTHON=/path/to/python` names another interpreter.

SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
ONE_THREAD := OMP_NUM_THREADS=1 MKL_NUM_THREADS=1

.DEFAULT_GOAL := help
.PHONY: help demo test check format docs bench clean

help:
	@echo "make demo    render a short clip, matte it from one trimap, print error, speed and where the files are"
	@echo "make test    run the tests"
	@echo "make check   lint, formatting and types"
	@echo "make format  write the formatting that check wants"
	@echo "make docs    draw the pictures of docs/data.md, list the source files"
	@echo "make bench   the figures of the README but those of quality, ablations and soak, which take an hour"
	@echo "make clean   remove .venv, caches and the demo's files"

# A finished environment is reused; one that was cut short, or that is older than pyproject.toml, is completed.
$(READY): pyproject.toml
	@set -e; \
	if [ ! -x $(BIN)/python ]; then \
	  python="$(PYTHON)"; \
	  for candidate in python3.11 python3 python3.12 python3.13; do \
	    [ -n "$$python" ] && break; \
	    if $$candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python=$$candidate; fi; \
	  done; \
	  if [ -z "$$python" ]; then echo "mattekit needs Python 3.11 or newer; none was found, name one with PYTHON=" >&2; exit 1; fi; \
	  echo "making $(VENV) with $$python"; \
	  "$$python" -m venv $(VENV); \
	fi
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

demo: $(READY)
	$(BIN)/mattekit demo -o demo --overwrite

test: $(READY)
	$(ONE_THREAD) $(BIN)/python -m pytest

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict src

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(READY)
	$(BIN)/python docs/tree.py
	@set -e; pack=$$(mktemp -d)/pack.safetensors; \
	$(BIN)/mattekit data pack -o "$$pack" --procedural 24 --grounds 16 --seed 5; \
	$(BIN)/mattekit data show "$$pack" -o docs/data-walk.png --kind walk --count 3 --seed 1 --overwrite; \
	$(BIN)/mattekit data show "$$pack" -o docs/data-fake-motion.png --kind fake-motion --count 3 --seed 2 --degrade --overwrite; \
	rm -r "$$(dirname "$$pack")"
	$(BIN)/python benchmarks/procedural.py --picture docs/procedural.png --side 112

bench: $(READY)
	@set -e; for script in $(filter-out benchmarks/ablations% benchmarks/quality% benchmarks/soak%,$(wildcard benchmarks/*.py)); do echo "== $$script"; $(ONE_THREAD) $(BIN)/python "$$script"; done

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache build dist demo
