# One command each. Everything lives in .venv; nothing outside this folder is touched.

SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q

# The first interpreter that runs, is 3.11 or newer and can make virtual environments.
FIND_PYTHON = for p in python3.13 python3.12 python3.11 python3; do \
	if $$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; \
	then echo $$p; exit 0; fi; done; \
	echo 'Python 3.11 or newer with venv is needed: install it (Debian/Ubuntu: apt install python3 python3-venv; macOS: brew install python@3.13).' >&2; exit 1

.PHONY: demo test test-latest check bench soak soak-http nhanes mutants nudges conformance broken-clauses lock clean

demo: $(VENV)/.installed-app
	$(BIN)/smartapp demo $(ARGS)

test: $(VENV)/.installed-test
	$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

# The same suite without the constraints file: the newest releases of everything.
test-latest:
	@py=$$($(FIND_PYTHON)) && rm -rf $(VENV)-latest && $$py -m venv $(VENV)-latest
	$(VENV)-latest/bin/python -m pip -q install -e '.[test]'
	$(VENV)-latest/bin/python -m pytest -n 2 --dist loadfile $(ARGS)

check: $(VENV)/.installed-test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/architecture

bench: $(VENV)/.installed-bench
	$(BIN)/python -m bench $(ARGS)

# A million generated men; goes on where it was broken off. ARGS='--men N --seed S'
soak: $(VENV)/.installed-test
	$(BIN)/python tests/property/soak.py $(ARGS)

# Generated hook calls against the OpenAPI description of the app. ARGS='--cases N --seed S'
soak-http: $(VENV)/.installed-test
	$(BIN)/python tests/contract/contract_http.py $(ARGS)

# Real men (SMARTAPP_TEST_DATA/nhanes) beside the proportions of a published survey.
nhanes: $(VENV)/.installed-test
	$(BIN)/python tests/property/nhanes_emas.py $(ARGS)

# Flips every comparison of the engine; lists what no test noticed. ARGS='FILE… --jobs N --again'
mutants: $(VENV)/.installed-test
	$(BIN)/python tests/mutations/flip.py $(ARGS)

# Nudges every number of the knowledge by its last place; lists what no test noticed.
nudges: $(VENV)/.installed-test
	$(BIN)/python tests/mutations/nudge.py $(ARGS)

# Runs every test that names a clause of a standard, writes docs/conformance.md. ARGS=tests/smart
conformance: $(VENV)/.installed-test
	rm -f build/clauses.json
	$(BIN)/python -m pytest -q -n 2 --dist loadfile -m clause --clause-results=build/clauses.json $(ARGS); \
	$(BIN)/python tests/conformance/clause_matrix.py build/clauses.json

# Breaks clauses one at a time, drawn by a seed: a named test must turn red. ARGS='--seed S --draw N'
broken-clauses: $(VENV)/.installed-test
	$(BIN)/python tests/mutations/break_clauses.py $(ARGS)

# Writes constraints.txt from what a fresh environment resolves to today.
lock:
	@py=$$($(FIND_PYTHON)) && rm -rf build/lock && $$py -m venv build/lock
	build/lock/bin/python -m pip -q install '.[test,bench]'
	( echo '# Written by `make lock`: the releases that `make demo` and `make test` install.'; \
	  build/lock/bin/python -m pip freeze --exclude smartapp | grep -v '^smartapp @' ) > constraints.txt
	rm -rf build/lock

clean:
	rm -rf $(VENV) $(VENV)-latest build dist

$(VENV)/bin/python:
	@py=$$($(FIND_PYTHON)) && $$py -m venv $(VENV)

$(VENV)/.installed-app: $(VENV)/bin/python pyproject.toml constraints.txt
	$(PIP) install -c constraints.txt -e .
	@touch $@

$(VENV)/.installed-test: $(VENV)/bin/python pyproject.toml constraints.txt
	$(PIP) install -c constraints.txt -e '.[test]'
	@touch $@ $(VENV)/.installed-app

$(VENV)/.installed-bench: $(VENV)/bin/python pyproject.toml constraints.txt
	$(PIP) install -c constraints.txt -e '.[test,bench]'
	@touch $@ $(VENV)/.installed-app $(VENV)/.installed-test
