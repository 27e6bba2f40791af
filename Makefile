# Every target sets up .venv if needed, and does not change it if nothing has changed.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
OUT := build
KERNEL_SOURCES := $(shell find kernels -type f \( -name '*.c' -o -name '*.cpp' -o -name '*.h' -o -name 'CMakeLists.txt' \) 2>/dev/null) kernels/write_limits.py dialects/cortex_m/limits.py
# The version in pyproject.toml.
TORCH := $(shell sed -n 's/^ *"\(torch==[^"]*\)",$$/\1/p' pyproject.toml)

.DEFAULT_GOAL := help
.PHONY: help venv demo demo-core demo-vad bench test lint typecheck lit unit fuzz target sanitize wheel docs peers peers-sample format kernels clean distclean

help: ## show the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# Torch is installed first and alone, so that no other package selects its build. The rest is
# installed without build isolation, so that the kernel library is built with the ExecuTorch that it
# runs with, and is rebuilt in seconds.
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

demo-core: $(VENV)/.installed ## the same as C source, on an emulated Cortex-M55
	$(BIN)/python demo/core.py

demo-vad: $(VENV)/.installed ## Silero's voice activity detector in int16, on synthesized speech
	$(BIN)/python demo/vad.py

# CMSIS_NN=DIRECTORY also links Arm's kernels.
bench: $(VENV)/.installed ## instructions of MLPerf Tiny on emulated cores; writes docs/benchmarks.md
	$(BIN)/python benchmarks/instructions.py --write $(if $(CMSIS_NN),--cmsis-nn $(CMSIS_NN))

# Two processes run at a time. With more threads than cores, threads wait for one another: with one
# thread in each process, a quantization takes two thirds of the time.
lit unit fuzz target sanitize wheel peers peers-sample: export OMP_NUM_THREADS = 1

test: lint typecheck lit unit fuzz target sanitize ## all of the next seven

lint: $(VENV)/.installed ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# If mypy cannot follow an import, the import is silently `Any`. The control checks that it follows.
typecheck: $(VENV)/.installed ## mypy in strict mode, and a control that must fail
	$(BIN)/mypy
	$(BIN)/python test/typing/control.py $(BIN)/mypy

lit: $(VENV)/.installed ## tests of the IR and of the tools
	$(BIN)/lit -v -j2 test/lit

unit: $(VENV)/.installed ## tests of the Python API and of numerics
	$(BIN)/python -m pytest -q -n 2 --dist worksteal test/unit

fuzz: $(VENV)/.installed ## a fixed number of fuzz cases of the tools, and of random models
	$(BIN)/python -m pytest -q -n 2 --dist worksteal test/fuzz

target: $(VENV)/.installed ## tests on emulated cores; skipped without GCC for Arm and QEMU
	$(BIN)/python -m pytest -q -n 2 --dist worksteal -rs test/target

SANITIZED := $(OUT)/sanitize/kernels/libcmopt_kernels.so

# Python is not instrumented, so the sanitizers' runtimes are loaded first.
sanitize: $(VENV)/.installed ## the kernels under ASan and UBSan: single ops and whole networks
	$(BIN)/cmake -S . -B $(OUT)/sanitize -G Ninja -DCMAKE_MAKE_PROGRAM=$(abspath $(BIN)/ninja) \
	  -DPython3_EXECUTABLE=$(abspath $(BIN)/python) -DCMOPT_SANITIZE=ON > /dev/null
	$(BIN)/cmake --build $(OUT)/sanitize > /dev/null
	CMOPT_KERNELS_LIBRARY=$(abspath $(SANITIZED)) ASAN_OPTIONS=detect_leaks=0 \
	  LD_PRELOAD="$$(cc -print-file-name=libasan.so) $$(cc -print-file-name=libubsan.so)" \
	  $(BIN)/python -m pytest -q -n 2 test/unit/kernels/test_operators.py test/unit/codegen/test_emit.py \
	  test/unit/pipeline/test_networks.py::test_run_equals_interpreters

wheel: $(VENV)/.installed ## build the wheel; use it and run the examples of docs/ outside the checkout
	$(BIN)/python test/packaging/check_wheel.py

# The variable silences a notice about the next version of MkDocs.
docs: $(VENV)/.installed ## build the site of docs/ in build/site, and check its links
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

# Takes hours. Results are kept in build/, and the next run continues from there.
peers: $(VENV)/.installed ## ExecuTorch's own tests with both compilers; writes docs/peers.md
	$(BIN)/python benchmarks/peer_suites

peers-sample: $(VENV)/.installed ## a sample of them, only ours, compared with the baseline
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
