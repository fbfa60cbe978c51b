# Two commands on a fresh machine with Python, pip and make: `make demo` and `make test`.
PYTHON ?= python3
BIN = .venv/bin
KWS = examples/keyword_spotting
export EDGEKIT_SHARED ?= $(abspath ../shared)

demo: .venv/demo.stamp
	$(BIN)/edgekit build $(KWS)/kws_ref_model.tflite --target cortex-m4 --name kws -o build/kws
	$(BIN)/edgekit size build/kws --target stm32f446
	$(BIN)/edgekit validate build/kws --data $(KWS)/clips.npz --on emulator

# From PyTorch training to verified C for two boards; sets up torch, which is large.
demo-torch: .venv/torch.stamp
	$(BIN)/python examples/torch_digits/run.py

# A quantized ONNX network on photographs of the shared folder, with a picture of its answers.
demo-onnx: .venv/demo.stamp
	$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[examples]'
	$(BIN)/python examples/visual_wake_words/run.py

# From 16 kHz samples to a spoken word on an emulated Cortex-M4, features in integers.
demo-speech: .venv/demo.stamp
	$(BIN)/python examples/spoken_words/run.py

test: .venv/test.stamp
	$(BIN)/pytest -q -n 2 --dist worksteal

# What takes too long for `make test`: large networks on more cores.
test-long: .venv/test.stamp
	$(BIN)/pytest -q -n 2 --dist worksteal -m long

# The fast loop before each commit: format, lint, types, stale files, quick tests.
check: .venv/test.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m edgekit.headers --check
	$(BIN)/python -m edgekit.catalogue --check
	$(BIN)/pytest -q -n 2 --dist worksteal -m "not slow and not long and not soak"

# Rewrites what is derived from the operators: kernel headers and the support table.
generate: .venv/test.stamp
	$(BIN)/python -m edgekit.headers
	$(BIN)/python -m edgekit.catalogue

# The table of the benchmark models beside the peers' figures.
bench: .venv/test.stamp
	$(BIN)/python -m benchmarks

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "edgekit needs Python 3.10 or newer"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' || { echo "this Python has no venv module (Debian: apt install python3-venv)"; exit 1; }
	$(PYTHON) -m venv .venv

.venv/demo.stamp: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[zig,emulator,verify]'
	@touch $@

.venv/test.stamp: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[all,dev]'
	@touch $@ .venv/demo.stamp

# The version of torch that the tests run with, and what prunes its modules.
.venv/torch.stamp: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install -q --disable-pip-version-check torch==2.13.0
	$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[prune,zig,emulator,verify,examples]'
	@touch $@ .venv/demo.stamp

clean:
	rm -rf build .pytest_cache .mypy_cache .ruff_cache .hypothesis

.PHONY: demo demo-torch demo-onnx demo-speech test test-long check generate bench clean
