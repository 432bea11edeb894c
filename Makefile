# Two commands do all set-up on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
BESIDE ?= -n 2 --dist loadfile
export PATH := $(abspath $(BIN)):$(PATH)

.PHONY: help install test test-fast test-slurm test-versions torture lint types docs demo demo-space clean

help:
	@echo "make demo       install, then build a library, screen it and dock the best (about 5 minutes on 2 cores)"
	@echo "make demo-space the same on the whole combinatorial space of its building blocks, 1.6 million products"
	@echo "make test       install, then lint, types and every test that fits"
	@echo "make test-fast  the quick tests only"
	@echo "make test-slurm  campaigns on a real Slurm, brought up on this machine (as root: installs it if it is missing)"
	@echo "make test-versions  molecules, libraries and docking under the lowest RDKit and meeko that pyproject.toml allows"
	@echo "make torture     random faults for SECONDS=600, outside the tests; SEED=... replays one case"
	@echo "make docs       the documentation as HTML, in build/docs; any warning is an error"
	@echo "make clean      remove the demo's folder and caches (the virtual environment stays)"

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev,demo,bench]'
	@touch $@

# mypy needs the checkout under its import name, whatever the folder is called.
build/types/docksieve:
	@mkdir -p build/types && ln -sfn ../.. $@

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install build/types/docksieve
	cd build/types && $(abspath $(BIN))/mypy --config-file ../../pyproject.toml -p docksieve.data -p docksieve.models -p docksieve.screening -p docksieve.hpc -p docksieve.workflows

# Tests that watch the clock run one at a time, at full priority; the others meanwhile, in two processes of low priority, a
# file at a time. What these print is shown when both have ended, and either failing fails the whole.
define both
@mkdir -p build; \
nice -n 10 $(BIN)/python -m pytest -m "not alone$(1)" $(BESIDE) > build/tests-beside.log 2>&1 & beside=$$!; \
$(BIN)/python -m pytest -m "alone$(1)"; alone=$$?; \
wait $$beside; others=$$?; \
cat build/tests-beside.log; \
test $$alone -eq 0 && test $$others -eq 0
endef

test: lint types
	$(call both,)

test-fast: lint types
	$(call both, and not slow)

test-slurm: install
	DOCKSIEVE_SLURM_INSTALL=1 $(BIN)/python -m pytest -m slurm tests/slurm

# The lowest versions that pyproject.toml allows of what spells molecules and prepares ligands; the newest are those of
# constraints.txt, under which all other tests run.
LOWEST := rdkit==2026.3.1 meeko==0.7.1
test-versions: install
	rm -rf build/lowest && $(BIN)/python -m pip install --quiet --no-deps --target build/lowest $(LOWEST)
	PYTHONPATH=build/lowest $(BIN)/python -m pytest -m "not alone" tests/data/molecules tests/data/libraries tests/screening/docking tests/screening/poses
	$(BIN)/python -m pytest tests/versions

SECONDS ?= 600
torture: install
	nice -n 15 $(BIN)/python tests/torture/run.py --seconds $(SECONDS) $(if $(SEED),--seed $(SEED))

$(VENV)/.docs-installed: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[docs]'
	@touch $@

docs: $(VENV)/.docs-installed
	$(BIN)/sphinx-build -W --keep-going -q -d build/doctrees docs build/docs
	@echo "open build/docs/index.html"

demo: install
	$(BIN)/python -m docksieve.workflows.cli.demo demo

demo-space: install
	$(BIN)/python -m docksieve.workflows.cli.demo --space demo-space

clean:
	rm -rf demo demo-space build dist .mypy_cache .pytest_cache .ruff_cache
