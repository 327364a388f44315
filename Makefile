# Everything that can be done here. Needs Python 3.11 or later with venv, and make; each target
# sets up what it needs in .venv, once, and is fast when nothing changed.
#   make test ARGS="-k tick"     more arguments for pytest
#   make demo PYTHON=python3.12  another Python for .venv

PYTHON ?=
ARGS ?=
export PATH := $(or $(PATH),/usr/local/bin:/usr/bin:/bin)
VENV := .venv
ifeq ($(OS),Windows_NT)
PY := $(VENV)/Scripts/python
else
PY := $(VENV)/bin/python
endif
INSTALL := $(PY) -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
PINS := pyproject.toml constraints.txt
STUBS := build/stubs/.installed

.DEFAULT_GOAL := help
.PHONY: help demo test flashing faults mutation bench bench-force bench-link bench-recording plots lint format generate release fuzz golden chip clean

help: ## Print every target with its comment
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/make \1|\2/p' Makefile | while IFS='|' read -r target text; do \
		printf '  %-17s %s\n' "$$target" "$$text"; done

demo: $(VENV)/.runtime ## A simulated athlete does the half-body-weight workout, 8 times up and back
	@$(PY) -m host demo $(ARGS)

test: $(VENV)/.test ## All tests: the firmware on CPython, unix MicroPython and, given an image, the emulated chip
	@$(PY) -m pytest $(ARGS)

mutation: $(VENV)/.test ## Whether the tests notice small changes of the firmware (hours; ARGS="--sample 40", ARGS=guard.py)
	@$(PY) -m tests.mutation $(ARGS)

bench: $(VENV)/.test ## Tick cost per runtime, start-up, the emulated chip's table, simulated seconds per second (ARGS=chip: one part)
	@$(PY) -m bench $(ARGS)

bench-force: $(VENV)/.test ## How true the felt force is, beside three plain machines: build/bench-force.csv (ARGS=quick)
	@$(PY) -m bench.force $(ARGS)

bench-link: $(VENV)/.test ## What becomes of every sample over links of all kinds: build/bench-link.csv (minutes; ARGS=quick)
	@$(PY) -m bench.link $(ARGS)

bench-recording: $(VENV)/.test ## What recordings survive (kill -9, cuts) and cost: processor, size, export (minutes; ARGS=quick)
	@$(PY) -m bench.recording $(ARGS)

flashing: $(VENV)/.test ## Power cuts at every block operation of a flash, and 200 at random moments (minutes; ARGS="--random 20")
	@$(PY) -m tests.flashing $(ARGS)

faults: $(VENV)/.test ## Every named fault at rest, under load and while ramping: what the firmware does, and how soon
	@$(PY) -m tests.safety.fault_matrix $(ARGS)

plots: $(VENV)/.plots ## Pictures of one pull and one push length, truth beside measurement: build/plots
	@$(PY) -m bench.plots $(ARGS)

lint: $(VENV)/.lint $(STUBS) ## Style and types: ruff, mypy strict, and the firmware against MicroPython's stubs
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(PY) -m mypy --config-file device/mypy.ini

format: $(VENV)/.lint ## Let ruff lay out the code
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

generate: $(VENV)/.test ## Rewrite the generated files: device layout, message reference, stimulus
	$(PY) -m protocol.generate
	$(PY) -m seeds.traces.make_stimulus

release: $(VENV)/.test ## Freeze the present version of the protocol: protocol/released/MAJOR.MINOR
	@$(PY) -m tests.protocol.freeze

fuzz: $(VENV)/.test ## 10 million random and mutated bytes into each parser, host and device (ARGS="--bytes 1e6 --seed 2")
	@$(PY) -m tests.fuzz $(ARGS)

golden: $(VENV)/.test ## Accept a law that was changed on purpose: rewrite seeds/traces/golden.csv
	$(PY) -m tests.runtimes.golden

chip: $(VENV)/.test ## Only the tests on the emulated RP2040 (SLED_RP2_UF2=image.uf2)
	@$(PY) -m pytest tests/chip $(ARGS)

clean: ## Remove everything that make made, .venv included
	rm -rf $(VENV) build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp for each set of packages; they are installed again only when the pins change.
$(VENV)/.python:
	@found=; \
	for python in $(if $(PYTHON),'$(PYTHON)',python3 python3.14 python3.13 python3.12 python3.11 python); do \
		if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			found=$$(command -v "$$python"); break; \
		fi; \
	done; \
	if [ -z "$$found" ]; then \
		echo "make: no Python 3.11 or later found$(if $(PYTHON), at '$(PYTHON)'); install one, or name it: make PYTHON=/path/to/python3.11" >&2; exit 1; \
	fi; \
	if ! "$$found" -c 'import ensurepip, venv' 2>/dev/null; then \
		echo "make: $$found cannot make virtual environments; on Debian or Ubuntu: apt install python3-venv" >&2; exit 1; \
	fi; \
	echo "Setting up $(VENV) with $$("$$found" --version) (once; needs the network) ..."; \
	"$$found" -m venv --clear $(VENV)
	@touch $@

$(VENV)/.runtime: $(PINS) $(VENV)/.python
	@$(INSTALL) --editable .
	@touch $@

$(VENV)/.test: $(PINS) $(VENV)/.python
	@$(INSTALL) --editable '.[test]'
	@touch $@ $(VENV)/.runtime

$(VENV)/.lint: $(PINS) $(VENV)/.python
	@$(INSTALL) --editable '.[lint]'
	@touch $@ $(VENV)/.runtime

$(VENV)/.plots: $(PINS) $(VENV)/.python
	@$(INSTALL) --editable '.[plots]'
	@touch $@ $(VENV)/.runtime

# Kept out of .venv: these stubs carry a standard library of their own, meant for the device alone.
$(STUBS): $(PINS) $(VENV)/.python
	@rm -rf build/stubs
	@$(INSTALL) --no-deps --target build/stubs micropython-rp2-rpi_pico-stubs micropython-stdlib-stubs
	@touch $@
