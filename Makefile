# Every target sets itself up: a Python of 3.11 or newer with venv is all that has to be there.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
SETUP := .venv/installed
BENCH := .venv/bench

.PHONY: demo test test-long fuzz fuzz-cli lint check-generated generated docs fmt bench depth rows clean

demo: $(SETUP)  ## the derivation of the example network, and the checks of it
	$(BIN)/symgrad derive examples/notebook.py

test: lint  ## everything that a change has to pass
	$(BIN)/python -m pytest -n auto
	@$(MAKE) --no-print-directory check-generated

test-long: $(SETUP)  ## the tests that take seconds each
	$(BIN)/python -m pytest -n auto -m long

lint: $(SETUP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/mypy generated/*.py

check-generated: $(SETUP)  ## the generated files check themselves
	@set -e; for file in generated/*.py; do echo "$(BIN)/python $$file"; $(BIN)/python $$file; done

generated: $(SETUP)  ## derive all examples again, those of the pages too, after a change to what is printed
	@set -e; for spec in examples/*.py; do $(BIN)/symgrad derive $$spec > /dev/null; done
	$(BIN)/python docs/examples.py
	$(BIN)/python docs/notebook.py

docs: $(SETUP)  ## the site, in site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet -f docs/mkdocs.yml

fmt: $(SETUP)  ## format, and mend what the linter can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

fuzz: $(SETUP)  ## random specs: make fuzz N=10000 SEED=1; goes on from where it stopped, unless FRESH=1
	$(BIN)/python tests/fuzz.py $(or $(N),300) $(or $(SEED),0) $(if $(FRESH),--fresh)

fuzz-cli: $(SETUP)  ## broken specs on the command line: make fuzz-cli N=2000 SEED=1; goes on as make fuzz does
	$(BIN)/python tests/fuzz.py $(or $(N),300) $(or $(SEED),0) --cli $(if $(FRESH),--fresh)

bench: $(BENCH)/installed  ## the generated code beside other libraries: benchmarks/RESULTS.md
	$(BENCH)/bin/python benchmarks/run.py --results

depth: $(SETUP)  ## how the time of a derivation grows with the depth of a network
	$(BIN)/python benchmarks/depth.py

rows: $(SETUP)  ## a loss over 20 million rows in a file, on two workers that are killed: make rows ROWS=4000000 GRADIENTS=10 KILLS=1
	$(BIN)/python benchmarks/rows.py $(or $(ROWS),20000000) $(or $(GRADIENTS),100) $(or $(KILLS),10)

clean:
	rm -rf .venv dist site .mypy_cache .pytest_cache .ruff_cache .hypothesis .fuzz

# The stamp is written last: an install that was cut short starts again.
$(SETUP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "symgrad needs Python 3.11 or newer: make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	$(PIP) install --editable '.[dev]'
	@touch $@

# What is compared has a place of its own: some of it holds NumPy back.
$(BENCH)/installed: pyproject.toml $(SETUP)
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/python -m pip --disable-pip-version-check -qq install --editable '.[bench]'
	@touch $@
