# Two commands do everything on a fresh machine with Python 3.11+ and make:
#   make demo   makes the virtual environment, installs, runs the main job
#   make test   makes the virtual environment, installs, runs the tests
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
DEPENDENCIES := pyproject.toml constraints.txt

.PHONY: demo test lint format benchmark doc mutants clean

demo: $(VENV)/.installed-demo
	$(BIN)/python -m skjetsim.demo

test: $(VENV)/.installed-test
	$(BIN)/python -m pytest -n 2 --durations=10

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.installed-test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Single mutations of the code, and whether the tests notice them. NAMES are groups or files.
mutants: $(VENV)/.installed-test
	$(PIP_INSTALL) -e ".[mutants]"
	$(BIN)/python -m benchmarks.mutants.mutants $(NAMES)

# The site with its gallery, whose examples are run: some minutes, and less where little changed.
doc: $(VENV)/.installed-doc
	$(BIN)/python -m sphinx -W --keep-going -q -b html doc doc/_build/html

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "skjetsim needs Python 3.11 or newer; set PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# The stamps make a second call skip the install, until what is installed changes.
$(VENV)/.installed-demo: $(VENV)/bin/python $(DEPENDENCIES)
	$(PIP_INSTALL) -e ".[plot,pythia]"
	@touch $@

$(VENV)/.installed-test: $(VENV)/bin/python $(DEPENDENCIES)
	$(PIP_INSTALL) -e ".[plot,pythia,io,test,lint]"
	@touch $@ $(VENV)/.installed-demo

$(VENV)/.installed-doc: $(VENV)/bin/python $(DEPENDENCIES)
	$(PIP_INSTALL) -e ".[plot,pythia,io,doc]"
	@touch $@ $(VENV)/.installed-demo

# Each script prints its figures beside goals and floors; the first run generates events.
benchmark: $(VENV)/.installed-test
	@mkdir -p benchmarks/results
	@for name in engine/engine engine/package engine/transformers engine/memory engine/io_files engine/encoders \
	    metrics/metrics simulation/sampling simulation/simulation simulation/wjet \
	    simulation/time_to_auc simulation/ensemble simulation/choices simulation/closure \
	    simulation/efficiency simulation/raw_columns simulation/atoms simulation/tails \
	    simulation/far_masses \
	    flows/densities flows/flow_speed flows/flow_matching \
	    unfolding/unfolding unfolding/unfolding_closure datasets/shower_speed \
	    datasets/generation datasets/physics unpaired/sliced_wasserstein unpaired/unpaired \
	    unpaired/unpaired_data unpaired/unpaired_efficiency; do \
	    echo "== $$name"; \
	    $(BIN)/python -m benchmarks.$$(echo $$name | tr / .) \
	        | tee benchmarks/results/$$(basename $$name).txt; \
	done
	@$(BIN)/python -m benchmarks.unpaired.unpaired --process ttbar \
	    | tee benchmarks/results/unpaired_ttbar.txt
	@$(BIN)/python -m benchmarks.unpaired.unpaired "anchor off" "mass shell off" \
	    | tee benchmarks/results/unpaired_ablations.txt
	@$(BIN)/python -m benchmarks.unpaired.unpaired improved --exchange \
	    | tee benchmarks/results/unpaired_exchanged.txt
	@$(BIN)/python -m benchmarks.unpaired.unpaired improved "learnt slices" squares kl mmd \
	    --settings '{"max_epochs": 30}' | tee benchmarks/results/unpaired_losses.txt

clean:
	rm -rf $(VENV) build *.egg-info demo_report doc/_build doc/auto_examples doc/generated
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis
