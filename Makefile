# Needs a Python >= 3.11 with pip, and nothing else: the first target that needs a package makes
# .venv and installs it there; later ones install again only when pyproject.toml has changed, or what
# the native kernel is built from.

VENV ?= .venv
BIN := $(VENV)/bin
WORKERS ?= 2
PIP := $(BIN)/python -m pip --disable-pip-version-check
PYTEST := $(BIN)/python -m pytest -n $(WORKERS)
# In front of a command: programs are compiled in a third of the time, by an older part of XLA that gets
# floats of 4 and 8 bits wrong.
PLAINLY = env $$(.ci/plain-compilation $(BIN)/python)
# $(call pytest,MARKERS,OPTIONS): the tests with the marker `optimized` compiled as users have it, the
# others plainly.
pytest = status=0; \
	$(PYTEST) -m "optimized and ($(1))" $(2) || status=$$?; \
	$(PLAINLY) $(PYTEST) -m "not optimized and ($(1))" $(2) || status=$$?; \
	exit $$status
# Tried in this order; `make PYTHON=/path/to/python3.12 ...` tries that one alone.
PYTHON ?=
CANDIDATES := $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11 python)
NATIVE := $(wildcard hadax/kernels/native/*.h hadax/kernels/native/*.cc)

# Compiled programs outlive the process, small ones too: compiling is most of what the tests do, and
# a second run of them, or of the experiments, takes less than half the time.
export JAX_COMPILATION_CACHE_DIR ?= $(CURDIR)/.jax_cache
export JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS ?= 0

.DEFAULT_GOAL := help
.PHONY: help figures install test test-slow test-sanitizers test-all compile-gpu compile-gpu-quick compile-gpu-here doctest
.PHONY: smoke lint style types floors spelling docs wheels packaging clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 24
	@echo "Variables: PYTHON (the Python that makes $(VENV)), VENV, WORKERS (test processes: $(WORKERS))"

figures: $(VENV)/experiments.stamp ## run the quick experiments (minutes) and draw their figures
	@status=0; \
	$(BIN)/python -m experiments all quick || status=$$?; \
	$(BIN)/python -m paper_figs --results local || status=$$?; \
	echo; echo "Figures and the table of checked statements are in $(CURDIR)/figures:"; ls figures; \
	exit $$status

install: $(VENV)/dev.stamp $(VENV)/docs.stamp ## what the checks need, into $(VENV)

test: $(VENV)/test.stamp ## the tests, without the slow ones
	@$(call pytest,not slow,--durations=25 --durations-min=5)

test-slow: $(VENV)/test.stamp ## the slow tests
	@$(call pytest,slow)

# The other sanitizers run on the plainest instruction set in `make test`, on all in `make test-slow`.
test-sanitizers: $(VENV)/test.stamp ## of them, the native kernels under the thread sanitizer
	$(PYTEST) -m slow tests/native/test_harness.py::test_threads

test-all: $(VENV)/test.stamp ## all tests
	@$(call pytest,slow or not slow)

compile-gpu: ## compile the GPU kernels to machine code, with no GPU, in a .venv-cuda of their own
	@$(MAKE) --no-print-directory VENV=$(VENV)-cuda compile-gpu-here

compile-gpu-here: $(VENV)/cuda.stamp
	$(PYTEST) tests/kernels/test_gpu_compiled.py tests/kernels/test_mosaic_gpu.py

compile-gpu-quick: $(VENV)/test.stamp ## the quickest of them, where the compilers can be installed
	WORKERS=$(WORKERS) .ci/compile-gpu $(BIN)/python $(VENV)-wheels

doctest: $(VENV)/test.stamp ## the examples of every docstring and page
	JAX_DISABLE_MOST_OPTIMIZATIONS=1 $(PYTEST) --doctest-modules --doctest-glob='*.md' hadax docs README.md

smoke: $(VENV)/test.stamp ## every experiment, in seconds each
	JAX_DISABLE_MOST_OPTIMIZATIONS=1 $(BIN)/python -m experiments all smoke --strict

lint: style types floors spelling ## style, types, import floors, spelling

style: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/dev.stamp
	$(BIN)/pyright --pythonpath $(BIN)/python

floors: $(VENV)/dev.stamp
	$(BIN)/lint-imports

spelling: $(VENV)/dev.stamp
	$(BIN)/codespell

docs: $(VENV)/docs.stamp ## the documentation, in docs/_build/html
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html
	@echo "The documentation is in $(CURDIR)/docs/_build/html/index.html"

wheels: $(VENV)/dev.stamp ## the source distribution and the wheel, in dist
	rm -rf dist
	$(BIN)/python -m build --outdir dist

packaging: wheels ## install both in an environment of their own, the source without a compiler
	.ci/packaging $(BIN)/python dist

clean: ## remove everything that make made, and no result
	rm -rf $(VENV) $(VENV)-cuda $(VENV)-wheels .jax_cache build dist docs/_build docs/api docs/gallery figures *.egg-info
	rm -f hadax/kernels/native/*.so
	rm -rf .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/dev.stamp: $(VENV)/test.stamp
	@$(PIP) install --quiet --upgrade 'pip>=25.1'  # the first that knows dependency groups
	@$(PIP) install --quiet --group dev
	@touch $@

$(VENV)/%.stamp: pyproject.toml setup.py $(NATIVE) | $(BIN)/python
	@echo "Installing what '$*' needs into $(VENV); the first time takes a few minutes."
	@$(PIP) install --quiet --editable '.[$*]'
	@touch $@

$(BIN)/python:
	@found=; \
	for python in $(CANDIDATES); do \
	  if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    found=$$python; break; \
	  fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "error: no Python >= 3.11 among: $(CANDIDATES). Install one, or name it:" >&2; \
	  echo "       make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 1; \
	fi; \
	if ! $$found -c 'import ensurepip, venv' 2>/dev/null; then \
	  echo "error: $$found cannot make a virtual environment: it has no ensurepip." >&2; \
	  echo "       On Debian and Ubuntu: apt install python3-venv. Or take another Python:" >&2; \
	  echo "       make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 1; \
	fi; \
	echo "Making $(VENV) with $$found ($$($$found --version))."; \
	$$found -m venv $(VENV) || { rm -rf $(VENV); exit 1; }
