# What there is to do here; `make help` lists it.
.DEFAULT_GOAL := help
VENV := .venv
PYTHON := $(VENV)/bin/python
DATA_DIR := data
DATAMART_DIR := datamart
REPOSITORY = $(shell git remote get-url origin | sed -e 's|^git@\([^:]*\):|https://\1/|' -e 's|\.git$$||')
COMPOSE = $(shell command -v docker-compose || echo docker compose)

.PHONY: help run prove test test-long docs notebook deck sample lint bench submission up clean

help:  ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-12s %s\n", $$1, $$2}'

$(VENV)/.run: requirements.txt warehouse/landing/java.py
	@echo "Installing the packages into $(VENV), once. It takes a minute or two, in silence."
	@python3 -m venv $(VENV)
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@$(PYTHON) -m warehouse.landing.java_cache
	@touch $@

$(VENV)/.test: requirements-dev.txt $(VENV)/.run
	@echo "Installing what the tests need beside that, once. It takes half a minute, in silence."
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

run: $(VENV)/.run  ## land, build, test and publish the datamart
	$(PYTHON) main.py --data-dir $(DATA_DIR) --datamart-dir $(DATAMART_DIR)

test: $(VENV)/.test  ## all tests but the long ones
	$(PYTHON) -m pytest -n auto --dist loadfile

test-long: $(VENV)/.test  ## the long tests: crashes, fuzzing, Spark; REAL_DATAMART=DIR adds those of the real set
	$(PYTHON) -m pytest -m long

bench: $(VENV)/.run  ## all benchmarks; BENCH="joins windows --sizes 1 10" for some
	$(PYTHON) -m pip install --quiet --disable-pip-version-check -r benchmarks/requirements.txt
	$(PYTHON) -m benchmarks $(BENCH) --data-dir $(DATA_DIR)

up:  ## JupyterLab and dbt docs in containers; the terminal shows the link to click
	@test -f .env || printf 'HOST_UID=%s\nHOST_GID=%s\n' "$$(id -u)" "$$(id -g)" > .env
	@echo "The first build takes a few minutes; then follow the link under \"JupyterLab is ready\"."
	$(COMPOSE) up --build

lint: $(VENV)/.test  ## style of Python
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .

prove: $(VENV)/.run  ## rebuild gold without the future, month by month, and compare
	$(PYTHON) main.py prove --datamart-dir $(DATAMART_DIR)

sample: $(VENV)/.run  ## make the files of data/ anew
	$(PYTHON) -m warehouse.sample.generate --customers 1200 --seed 7 --out data

submission:  ## pack dist/submission.zip from the last commit, with the link to its repository
	@mkdir -p dist
	git archive --format=zip --output=dist/submission.zip \
		--add-virtual-file=Readme.txt:"Repository: $(REPOSITORY)" HEAD
	@ls -l dist/submission.zip

docs: $(VENV)/.run  ## build the dbt docs as one page and open it
	$(PYTHON) -m warehouse.notebook.serve docs --open

deck: $(VENV)/.run  ## build the slides of the published datamart as PDF
	$(PYTHON) -m warehouse.reporting.deck --datamart-dir $(DATAMART_DIR) --out deck/loan_default_warehouse.pdf

notebook: $(VENV)/.run  ## start JupyterLab on this machine
	$(PYTHON) -m warehouse.notebook.serve lab

clean:  ## remove the datamart and what the tools leave
	rm -rf datamart dbt_project/target dbt_project/logs dist .pytest_cache .ruff_cache .hypothesis
