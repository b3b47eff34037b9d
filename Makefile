# Everything a newcomer, a developer and CI type. Each target does all of its own set-up, asks nothing,
# and is quick the second time. It needs Python 3.11 or newer; uv is used when it is there, pip otherwise.
#
#   make demo      a small complete world, audited and served       (PORT=8000 DIR=demo)
#   make test      all that CI runs
#   make bench     how fast it is: ratios, beside the limits of this machine
#   make install   the set-up alone, into .venv
#   make words     how complete each language is             (CATALOGUE=cak begins or renews one)

.POSIX:
.SUFFIXES:
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help install tools demo test bench wheel words lock vendor clean

SHELL = /bin/sh
PORT = 8000
DIR = demo
VENV = .venv
BIN = $(VENV)/bin
# Number of processes that run tests: on two cores a third works while others wait for a browser or a clock.
JOBS = 3

help:
	@sed -n '4,8s/^#   //p' Makefile

# --- set-up ---------------------------------------------------------------------------------------------
# Two steps, because in hash mode an installer refuses a folder: first the lock, each file pinned by hash,
# then this folder itself, with the build back-end that the lock brought. Packages that somebody added to
# .venv by hand stay. A stamp file in .venv says that a lock is installed.

# Sets $$python to the first Python that is new enough. A name on the PATH is not enough (version
# managers put names there that do nothing), so each one is run.
FIND_PYTHON = \
	python=; \
	for name in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11 python; do \
		if "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; \
		then python=$$name; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
		echo "Constancia needs Python 3.11 or newer, and none was found on the PATH." >&2; \
		echo "Install one (Debian, Ubuntu: apt install python3 python3-venv) or say where it is:" >&2; \
		echo "    make install PYTHON=/path/to/python3" >&2; \
		exit 1; \
	fi

# Makes .venv, or leaves the one that is there when it works. Without Debian's python3-venv there is no
# ensurepip; then the system's pip, if any, installs into a virtual environment without its own.
MAKE_VENV = \
	if $(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then :; \
	else \
		$(FIND_PYTHON); \
		rm -rf $(VENV); \
		echo "Making the virtual environment $(VENV) with $$("$$python" -V)"; \
		if command -v uv >/dev/null 2>&1; then uv venv --quiet --python "$$python" $(VENV); \
		elif "$$python" -c 'import ensurepip' >/dev/null 2>&1; then "$$python" -m venv $(VENV); \
		else "$$python" -m venv --without-pip $(VENV); fi || exit 1; \
	fi

# Sets $$pip to the command that installs into .venv.
FIND_INSTALLER = \
	if command -v uv >/dev/null 2>&1; then pip="uv pip install --quiet --compile-bytecode --python $(BIN)/python"; \
	elif $(BIN)/python -m pip --version >/dev/null 2>&1 \
		|| $(BIN)/python -m ensurepip >/dev/null 2>&1; \
	then pip="$(BIN)/python -m pip install --no-input --disable-pip-version-check --quiet"; \
	else \
		$(FIND_PYTHON); \
		if "$$python" -m pip --python $(BIN)/python --version >/dev/null 2>&1; \
		then pip="$$python -m pip --python $(BIN)/python install --no-input --disable-pip-version-check --quiet"; \
		else \
			rm -rf $(VENV); \
			echo "$$python has no pip and cannot make one, and there is no uv." >&2; \
			echo "Install one of them (Debian, Ubuntu: apt install python3-venv) and try again." >&2; \
			exit 1; \
		fi; \
	fi

INSTALL_LOCK = \
	set -e; $(MAKE_VENV); $(FIND_INSTALLER); \
	echo "Installing $$(grep -c '^[a-z].*==' "$$lock") packages, each checked against its hash in $$lock"; \
	$$pip --require-hashes -r "$$lock"; \
	$$pip --no-deps --no-build-isolation -e .

$(VENV)/.installed: requirements.lock pyproject.toml
	@lock=requirements.lock; $(INSTALL_LOCK)
	@touch $@

# The larger lock holds all of the smaller one, in the same versions.
$(VENV)/.tools: requirements-dev.lock requirements.lock pyproject.toml
	@lock=requirements-dev.lock; $(INSTALL_LOCK)
	@touch $(VENV)/.installed $@

install: $(VENV)/.installed

tools: $(VENV)/.tools

# --- what it is for -------------------------------------------------------------------------------------

demo: install
	@$(BIN)/constancia demo --dir "$(DIR)" --port "$(PORT)"

# All four run even when one finds something, so that one look shows everything.
test: tools
	@failed=; \
	try() { echo "== $$*"; "$$@" || failed="$$failed $${1##*/}"; }; \
	try $(BIN)/ruff check .; \
	try $(BIN)/ruff format --check .; \
	try $(BIN)/basedpyright; \
	try $(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder; \
	if [ -n "$$failed" ]; then echo "FAILED:$$failed" >&2; exit 1; fi

bench: install
	@$(BIN)/python -m benchmarks.run

# Not LANGUAGE: many shells export that.
words: install
	@$(BIN)/python -m projections.words.drafting $(CATALOGUE)

wheel: install
	@rm -rf dist
	@$(BIN)/python -m hatchling build --target wheel

# Maintainers: needs uv. Names no host; a second run gives the same bytes.
LOCK = uv pip compile pyproject.toml --quiet --universal --generate-hashes --no-header --no-annotate \
	--no-emit-index-url --no-emit-find-links
lock:
	$(LOCK) --extra server --extra build --output-file requirements.lock
	$(LOCK) --extra dev --constraint requirements.lock --output-file requirements-dev.lock

# Maintainers: needs npm. Writes the browser libraries of others again, each pinned by its hash.
vendor:
	@python3 .ci/vendor.py

# Takes away what building and testing left behind; neither .venv nor a ledger that `make demo` made.
clean:
	rm -rf build dist test-results .pytest_cache .ruff_cache .hypothesis
	find . -path ./$(VENV) -prune -o -name __pycache__ -type d -exec rm -rf {} +
