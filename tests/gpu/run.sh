#!/usr/bin/env bash
# Everything that needs a GPU, in one go: installs without a network, builds for the GPU that is
# there, tests every kernel against the CPU, times them, and runs them under compute-sanitizer.
#
#     bash tests/gpu/run.sh WHEELS OUT [STEP ...]
#
# WHEELS: a folder with wheels of nlohmann-json, cmeel-eigen, cmeel and scipy-openblas32; all else
# (numpy, scipy, sympy, scikit-build-core, pybind11, cmake, ninja, pytest; torch, JAX and CuPy where
# they are to be tested) is the machine's. OUT gets results.json and logs. Of the steps those named,
# or all: tests, python, bench, memcheck, racecheck, profile. The status is 1 if one that says
# whether results are right failed. Variables: PYTHON; CLOSEDFORM_GPU_ARCHITECTURE, as 90, where no
# GPU can be asked; CLOSEDFORM_GPU_SECONDS for everything; CLOSEDFORM_GPU_WORK, a folder for the
# build, which a second run goes on from.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd) || exit 2
exec "${PYTHON:-python3}" -u "$here/steps.py" "$@"
