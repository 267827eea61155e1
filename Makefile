# make demo      install, run detectors on the built-in scenes: table, PR figure (CONTOURBENCH_BSDS500=PATH for real data)
# make test      install what tests need, run them all
# make types     what mypy says of eval/, baselines/ and cnf_contours/; part of make test
# make install   install alone
PYTHON ?= python3
BIN := .venv/bin
# The last two take seconds per scene, but ten minutes or more for 200 photographs.
DETECTORS ?= roberts sobel canny $(if $(CONTOURBENCH_BSDS500),,felzenszwalb cnf_fast)
OUT ?= results/$(if $(CONTOURBENCH_BSDS500),bsds500-test,scenes)

.PHONY: demo test install lint types clean

demo: .venv/installed
	$(BIN)/contourbench run $(DETECTORS) --out $(OUT)

install: .venv/installed

test: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(MAKE) types
	$(BIN)/python -m pytest

# mypy wants the folders where they are installed to: in a package contourbench.
types: .venv/installed-dev
	mkdir -p .mypy_cache/house
	ln -sfn ../.. .mypy_cache/house/contourbench
	$(BIN)/mypy

lint: .venv/installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[cnf]'
	touch $@

.venv/installed-dev: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[cluster,cnf,dev]'
	touch $@

clean:
	rm -rf .venv .mypy_cache build *.egg-info results/scenes
