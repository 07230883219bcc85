# Each target does all of its own set-up, and skips it when nothing changed.
.PHONY: wheel test-spark demo ui screenshots bundle fresh-airflow env compose-check test fast judge faults lint clean lock
.DEFAULT_GOAL := demo

UV_VERSION := 0.13.9
PYTHON ?= $(shell for p in python3.12 python3.13 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && command -v $$p && break; done)
UV := .uv/bin/uv
RUN := .venv/bin/python
export UV_PYTHON_DOWNLOADS := never
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Where it is set, each Airflow process would compile all that it imports.
unexport PYTHONDONTWRITEBYTECODE

demo: .venv/demo
	$(RUN) examples/flights/demo.py

ui: .venv/demo
	$(RUN) scripts/local_airflow.py ui --home .demo/airflow --port $(or $(PORT),8080)

# The README's pictures, from what `make demo` left.
screenshots: .venv/dev
	$(RUN) scripts/screenshots.py

# Secrets and settings of docker-compose.yaml; a .env that is there stays.
env:
	$(PYTHON) scripts/make_env.py

# Builds and starts docker-compose.yaml on this machine's Docker engine, judges a window in it, and takes it down.
compose-check: .venv/dev
	$(RUN) scripts/compose_check.py

# What an Airflow that is there already needs of us (docs/existing-airflow.md).
bundle: | $(UV)
	$(PYTHON) scripts/bundle.py

# The demo's schedule in a new Airflow of its published requirements alone; minutes, so .ci/run leaves it out.
fresh-airflow: .venv/demo
	$(RUN) scripts/fresh_airflow.py $(if $(AIRFLOW),--version $(AIRFLOW))

# All tests; `make fast` leaves out the slow ones, as a plain `pytest` does.
test: .venv/dev
	AZURITE="$${AZURITE:-$(wildcard $(CURDIR)/.azurite/node_modules/.bin/azurite-blob)}" $(RUN) -m pytest -m "" -n 2 --durations 20

fast: .venv/dev
	$(RUN) -m pytest -n 2

# Both versions of Spark on this machine's cores and on a cluster of two workers; needs Java 17.
test-spark: .venv/dev .spark/ready
	SPARK_CLUSTER=1 $(RUN) -m pytest -m "" tests/engines
	SPARK_CLUSTER=1 PYTHONPATH=include .spark/bin/python -m pytest -m "" tests/engines

judge: .venv/dev .judge/ready
	JUDGE_PYTHON=$(CURDIR)/.judge/bin/python $(RUN) -m pytest -m "" \
		tests/monitors/test_bias_judge.py tests/results/documents/test_model_cards.py

# The whole campaign of docs/reliability.md, about an hour on 2 cores.
faults: .venv/dev
	$(RUN) benchmarks/faults.py

lint: .venv/dev
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy
	PYTHONPATH=include:plugins .venv/bin/lint-imports
	$(RUN) -m model_monitor validate examples/flights/endpoints/flights.yaml examples/serving/endpoint.yaml

clean:
	rm -rf .venv .uv .judge .spark dist .azurite .demo .fresh build include/*.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis

# What executors of a Spark cluster need of us (docs/spark.md); Spark imports a wheel only if it is called .zip.
wheel: | $(UV)
	rm -rf dist
	$(UV) build --quiet --wheel --out-dir dist
	cp dist/model_monitor-*.whl dist/model_monitor.zip

# Rebuild the locks after an edit of a requirements*.in file.
lock: $(UV)
	for set in requirements requirements-demo requirements-dev; do \
		$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
			--custom-compile-command "make lock" $$set.in -o $$set.txt || exit 1; done

$(UV):
	@test -n "$(PYTHON)" || { echo "No Python 3.11 to 3.13 found; install one, or run: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) has no venv module; on Debian: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv .uv
	.uv/bin/pip install --quiet uv==$(UV_VERSION)

.venv/bin/python: | $(UV)
	$(UV) venv --quiet --python $(PYTHON) .venv

# The demo compiles what it imports, a quarter of all, as it goes; the tests' processes find all compiled.
define install
	@echo "Installing $< ..."
	$(UV) pip install --quiet --no-deps --python .venv --editable .
	$(UV) pip install --quiet $(1) --require-hashes --python .venv -r $<
	@touch $@
endef

# SageMaker's open library of bias metrics, and its SDK, can't be installed beside ours: they need an older pandas.
.judge/ready: | $(UV)
	$(UV) venv --quiet --python $(PYTHON) .judge
	$(UV) pip install --quiet --compile-bytecode --python .judge smclarify==0.5 sagemaker==2.257.7 "pandas<3"
	@touch $@

# Spark 3.5, beside the 4 of the tests' own environment.
.spark/ready: requirements-dev.txt | $(UV)
	$(UV) venv --quiet --clear --python $(PYTHON) .spark
	$(UV) pip install --quiet --compile-bytecode --python .spark -r requirements-dev.txt
	$(UV) pip install --quiet --python .spark "pyspark>=3.5,<4"
	@touch $@

# Microsoft's emulator of Azure's storage; tests that need it are skipped without it. It needs Node.js.
.azurite/ready:
	npm install --silent --no-fund --no-audit --prefix .azurite azurite@3
	@touch $@

.venv/demo: requirements-demo.txt pyproject.toml | .venv/bin/python
	$(call install)

.venv/dev: requirements-dev.txt pyproject.toml | .venv/bin/python
	$(call install,--compile-bytecode)
	@$(RUN) -m compileall -q include plugins
	@touch .venv/demo
