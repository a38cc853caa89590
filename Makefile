# The commands of the project; `make help` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
VENV := .venv
PYTHON := $(VENV)/bin/python
DATA_DIR := data
DATAMART_DIR := datamart
COMPOSE = $(shell command -v docker-compose || echo docker compose)
REPOSITORY = $(shell git remote get-url origin | sed -e 's|^git@\([^:]*\):|https://\1/|' -e 's|\.git$$||')
LOCK = $(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--strip-extras --no-header --no-emit-index-url --no-emit-find-links

.PHONY: help run prove test test-long lint check format lock docs notebook deck sample bench submission up serve clean

help:  ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-12s %s\n", $$1, $$2}'

# Install the packages of a lock: $(call install,what,lock). Shows each package and the seconds.
define install
	@echo "Installing $(1), once."; began=$$(date +%s); \
	$(PYTHON) -u -m pip install --disable-pip-version-check --require-hashes --no-deps -r requirements/$(2).lock | awk \
		'/^Collecting/ {print "  " $$2} /^ *Building wheel/ {print "  building " $$4} \
		/^Installing/ {print "  unpacking"} {fflush()}' && \
	echo "Installed $(1) in $$(( $$(date +%s) - began )) s."
	@touch $@
endef

$(PYTHON):
	python3 -m venv $(VENV)

$(VENV)/.run: requirements/run.lock pyproject.toml | $(PYTHON)
	$(call install,what a run needs (1.5 GB on disk, one to three minutes),run)
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@echo "Keeping Spark's classes, the parsed dbt project and the script of charts ready, once, in half a minute."
	-@$(PYTHON) -m warehouse.landing.java_cache
	-@$(PYTHON) -m warehouse.transform.runner
	-@$(PYTHON) -m warehouse.reporting.page_script

$(VENV)/.%: requirements/%.lock $(VENV)/.run
	$(call install,the packages for $*,$*)

run: $(VENV)/.run  ## land, build, test and publish the datamart
	$(PYTHON) main.py --data-dir $(DATA_DIR) --datamart-dir $(DATAMART_DIR)

prove: $(VENV)/.run  ## rebuild gold without the future, month by month, and compare
	$(PYTHON) main.py prove --datamart-dir $(DATAMART_DIR)

test: $(VENV)/.dev  ## all tests but the long ones
	$(PYTHON) -m pytest -n auto --dist loadfile --no-loadscope-reorder --durations 20

test-long: $(VENV)/.dev  ## the long tests: crashes, fuzzing, clusters; REAL_DATA=DIR adds the real set
	$(PYTHON) -m pytest -m long --durations 20

lint: $(VENV)/.dev  ## style, types, layers and SQL
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(VENV)/bin/sqlfluff lint --processes 0 dbt_project/models dbt_project/tests/*.sql

check: lint test  ## all checks before a change is handed in

format: $(VENV)/.dev  ## format Python and SQL
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .
	$(VENV)/bin/sqlfluff fix --processes 0 dbt_project/models dbt_project/tests/*.sql

lock: | $(VENV)/.dev  ## write the locks after a change of requirements
	$(LOCK) requirements/dev.in -o requirements/dev.lock
	$(LOCK) requirements.txt -c requirements/dev.lock -o requirements/run.lock
	for group in notebook deck spark bench serve; do \
		$(LOCK) requirements/$$group.in -c requirements/dev.lock -o requirements/$$group.lock || exit; \
	done
	$(LOCK) requirements/peers.in -o requirements/peers.lock

notebook: $(VENV)/.notebook  ## start JupyterLab on this machine
	$(PYTHON) main.py lab --datamart-dir $(DATAMART_DIR)

docs: $(VENV)/.run  ## open the dbt docs of the published datamart
	$(PYTHON) main.py docs --open --datamart-dir $(DATAMART_DIR)

deck: $(VENV)/.deck  ## build the slides of the published datamart as PDF
	$(PYTHON) -m warehouse.reporting.deck --datamart-dir $(DATAMART_DIR) --out deck/loan_default_warehouse.pdf

serve: $(VENV)/.serve  ## serve the features of a day by Feast; SERVE="--day 2024-12-01 --online redis://localhost:6379/0"
	$(PYTHON) main.py serve --datamart-dir $(DATAMART_DIR) $(SERVE)

up:  ## JupyterLab and dbt docs in containers; the terminal shows the link to click
	@test -f .env || printf 'HOST_UID=%s\nHOST_GID=%s\n' "$$(id -u)" "$$(id -g)" > .env
	@echo "The first build takes a few minutes; then follow the link under \"JupyterLab is ready\"."
	$(COMPOSE) up --build

sample: $(VENV)/.run  ## write the sample files of data/
	$(PYTHON) -m warehouse.sample --customers 1200 --seed 7 --out data

bench: $(VENV)/.bench  ## all benchmarks; BENCH="joins windows --sizes 1 10" for some
	$(PYTHON) -m benchmarks $(BENCH) --data-dir $(DATA_DIR)

submission:  ## pack dist/submission.zip from the last commit, with the link to its repository
	@mkdir -p dist
	git archive --format=zip --output=dist/submission.zip \
		--add-virtual-file=Readme.txt:"Repository: $(REPOSITORY)" HEAD
	@ls -l dist/submission.zip

clean:  ## remove the datamart and what the tools leave
	rm -rf datamart dbt_project/target dbt_project/logs dist .pytest_cache .ruff_cache .mypy_cache \
		.hypothesis .import_linter_cache
