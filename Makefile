# make run and make test do all the set-up they need. On Windows without make: see the README.

PYTHON ?= $(shell command -v python3.11 || command -v python3 || echo python)
VENV := .venv
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
else
BIN := $(VENV)/bin
endif
READY := $(VENV)/.ready
# As pip does when it installs, but on all cores.
COMPILE = import compileall, site; compileall.compile_dir(site.getsitepackages()[-1], quiet=2, workers=0)
PYTEST = $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadgroup
CHECKED := src stages tests studies bench web
WEB_TASK = $(or $(TASK),garbage)
WEB_MODEL = $(or $(firstword $(wildcard models/$(WEB_TASK)/export release/$(WEB_TASK))),models/$(WEB_TASK)/export)

.DEFAULT_GOAL := help
.PHONY: help run test test-slow test-all test-web test-api test-cluster web setup bench sbom lint clean

help:            ## what there is to make
	@grep -E '^[a-z-]+: .*##|^[a-z-]+:  +##' $(MAKEFILE_LIST) | sed -E 's/:.*## /: /' | awk -F': ' '{printf "  make %-9s %s\n", $$1, $$2}'

run: $(READY)    ## the whole line on the garbage photos, or on the built-in sample; TASK=name for another task
	@$(BIN)/python -m sortline.cli run $(if $(TASK),--task $(TASK))

test: $(READY)   ## the tests but the slow suites; those that need the real photos only where SORTLINE_DATA names their folder
	@$(PYTEST) $(if $(SLOW),,-m "not slow") $(ARGS)

test-slow: $(READY) ## only the slow suites (the whole table of reruns, every stage killed once, ...)
	@$(PYTEST) -m slow $(ARGS)

test-all: $(READY) ## all tests, as CI runs them
	@$(MAKE) --no-print-directory test SLOW=yes

web: $(READY)    ## the web app out of the exported or released model, into web/dist/, for sortline serve; TASK=name for another
	@command -v npm >/dev/null || { echo "error: there is no npm on the PATH; install Node.js 20 or newer, with npm"; exit 2; }
	@npm ci --prefix web --ignore-scripts --no-audit --no-fund --silent
	@node web/build.mjs $(WEB_MODEL)

test-web: $(READY) ## the web app in Chromium, which is installed where that can be done
	@PATH="$(abspath $(BIN)):$$PATH" PYTHON="$(abspath $(BIN))/python" web/test/run.sh

test-api: $(READY) ## the HTTP API against its own description, by schemathesis; ARGS="--max-examples 1000" for more
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade --target build/schemathesis schemathesis==4.32.5
	@PYTHON="$(abspath $(BIN))/python" tests/fuzz/api.sh $(ARGS)

test-cluster: $(READY) ## extraction by Ray, and DVC with an S3 server, neither of which is installed otherwise
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade --no-deps --target build/cluster \
	  -r tests/cluster/requirements.txt
	@PYTHONPATH="$(abspath build/cluster)" $(BIN)/python -m pytest tests/cluster $(ARGS)

setup: $(READY)  ## only the virtual environment, from the pinned lock

bench: $(READY)  ## speed and memory, side by side with PyTorch; NAMES="head growth" for some of it
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade --target bench/peers -r bench/requirements.txt
	@$(BIN)/python -m bench $(NAMES)

sbom: $(READY)   ## what sortline stands on, as CycloneDX, out of the lock, into build/sbom.json
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade --target build/cyclonedx cyclonedx-bom==7.5.0
	@PYTHONPATH=build/cyclonedx $(BIN)/python -W ignore -m cyclonedx_py requirements requirements.lock \
	  --pyproject pyproject.toml --mc-type application --output-reproducible --no-validate -o build/sbom.json

lint: $(READY)   ## ruff and mypy, as CI runs them
	@$(BIN)/ruff check $(CHECKED)
	@$(BIN)/ruff format --check $(CHECKED)
	@$(BIN)/mypy
	@for study in $(dir $(wildcard studies/*/dvc.yaml)); do (cd $$study && \
	  $(abspath $(BIN))/mypy --config-file ../../pyproject.toml --cache-dir ../../.mypy_cache *.py) || exit 1; done

clean:           ## remove what the line made and fetched (not .venv, not committed results)
	rm -rf data/raw data/weights data/prepared data/features data/backbones data/downloads models plots/*/*/photos dvc_plots web/dist web/.test
	rm -rf .dvc/cache .dvc/tmp .pytest_cache .hypothesis build rank_0

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info[:2] != (3, 11))" || \
	  { echo "error: Python 3.11 is needed ($(PYTHON) is not); install it, or: make PYTHON=/path/to/python3.11"; exit 2; }
	@echo "setting up $(VENV) from requirements.lock (once; about 2 minutes and 3 GB) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-compile -r requirements.lock
	@$(BIN)/python -W ignore -c "$(COMPILE)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $(READY)
