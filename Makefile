# Every target sets up .venv when it must, and leaves it alone when nothing has changed.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
OUT := build
KERNEL_SOURCES := $(shell find kernels -type f \( -name '*.c' -o -name '*.cpp' -o -name '*.h' -o -name 'CMakeLists.txt' \) 2>/dev/null) kernels/write_limits.py dialects/cortex_m/limits.py
# The version pyproject.toml pins, so that it is written once.
TORCH := $(shell sed -n 's/^ *"\(torch==[^"]*\)",$$/\1/p' pyproject.toml)

.DEFAULT_GOAL := help
.PHONY: help venv demo test lint typecheck lit unit fuzz target sanitize wheel peers peers-sample format kernels clean distclean

help: ## show the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# Torch goes first and alone, so that nothing else decides which build of it is taken. The rest is
# installed without build isolation: the kernel library is then built against the ExecuTorch it
# will run with, and rebuilt in seconds.
$(VENV)/.dependencies: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet $(TORCH)
	$(BIN)/python -m pip install --quiet $$($(BIN)/python -c 'import tomllib; p = tomllib.load(open("pyproject.toml", "rb")); print(*p["build-system"]["requires"], "cmake", "ninja")')
	touch $@

$(VENV)/.installed: $(VENV)/.dependencies CMakeLists.txt $(KERNEL_SOURCES)
	$(BIN)/python -m pip install --quiet --no-build-isolation --editable '.[dev]'
	touch $@

venv: $(VENV)/.installed ## set up .venv: dependencies, editable install, kernel library

kernels: $(VENV)/.installed ## build the kernel library, if its sources have changed

demo: $(VENV)/.installed ## train, quantize, compile and run a small network
	$(BIN)/python demo/digits.py

test: lint typecheck lit unit fuzz target sanitize ## all of the next seven

lint: $(VENV)/.installed ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# An import the checker cannot follow is silently `Any`. The control shows that it does follow ours.
typecheck: $(VENV)/.installed ## mypy in strict mode, and a control that must fail
	$(BIN)/mypy
	$(BIN)/python test/typing/control.py $(BIN)/mypy

lit: $(VENV)/.installed ## tests of the IR and of the tools
	$(BIN)/lit -v -j2 test/lit

unit: $(VENV)/.installed ## tests of the Python API and of numerics
	$(BIN)/python -m pytest -q -n 2 test/unit

fuzz: $(VENV)/.installed ## a fixed number of fuzz cases of the tools, and of random models
	$(BIN)/python -m pytest -q -n 2 test/fuzz

target: $(VENV)/.installed ## tests on emulated cores; skipped without GCC for Arm and QEMU
	$(BIN)/python -m pytest -q -n 2 -rs test/target

SANITIZED := $(OUT)/sanitize/kernels/libcmopt_kernels.so

# Python is not instrumented, so the sanitizers' runtimes are loaded before it.
sanitize: $(VENV)/.installed ## the kernels under ASan and UBSan: single ops and whole networks
	$(BIN)/cmake -S . -B $(OUT)/sanitize -G Ninja -DCMAKE_MAKE_PROGRAM=$(abspath $(BIN)/ninja) \
	  -DPython3_EXECUTABLE=$(abspath $(BIN)/python) -DCMOPT_SANITIZE=ON > /dev/null
	$(BIN)/cmake --build $(OUT)/sanitize > /dev/null
	CMOPT_KERNELS_LIBRARY=$(abspath $(SANITIZED)) ASAN_OPTIONS=detect_leaks=0 \
	  LD_PRELOAD="$$(cc -print-file-name=libasan.so) $$(cc -print-file-name=libubsan.so)" \
	  $(BIN)/python -m pytest -q test/unit/kernels/test_operators.py test/unit/codegen/test_emit.py \
	  test/unit/pipeline/test_networks.py::test_run_equals_interpreters

wheel: $(VENV)/.installed ## build sdist and wheel, and use the wheel outside the checkout
	$(BIN)/python test/packaging/check_wheel.py

# Hours; what it has done is kept in build/, and a further run goes on from there.
peers: $(VENV)/.installed ## ExecuTorch's own tests through both compilers; writes docs/peers.md
	$(BIN)/python benchmarks/peer_suites

peers-sample: $(VENV)/.installed ## a fixed part of them, ours alone, against the baseline
	$(BIN)/python benchmarks/peer_suites --sample

format: $(VENV)/.installed ## let ruff format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## remove what was built, but not .venv
	rm -rf $(OUT) dist
	rm -f $(VENV)/.installed
	find . -path ./$(VENV) -prune -o -name __pycache__ -type d -exec rm -rf {} +

distclean: clean ## remove .venv too
	rm -rf $(VENV)
