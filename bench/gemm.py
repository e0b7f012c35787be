"""Matrix products through the BLAS of the extension."""

from __future__ import annotations

import ctypes
import os
import time

import numpy as np
import numpy.typing as npt
import scipy_openblas32

Matrix = npt.NDArray[np.floating]
REPEATS = 7


class Gemm:
    """C = A B, row-major, in the same loaded library that closedform calls."""

    def __init__(self, dtype: type, threads: int) -> None:
        folder = scipy_openblas32.get_lib_dir()
        library = ctypes.CDLL(os.path.join(folder, scipy_openblas32.get_library(fullname=True)))
        self._call = getattr(library, f"scipy_{'s' if dtype == np.float32 else 'd'}gemm_")
        self._number = ctypes.c_float if dtype == np.float32 else ctypes.c_double
        self._set_threads = library.scipy_openblas_set_num_threads
        self._get_threads = library.scipy_openblas_get_num_threads
        self._threads = threads

    def __call__(self, a: Matrix, b: Matrix, out: Matrix) -> None:
        m, n, k = (ctypes.c_int(size) for size in (out.shape[1], out.shape[0], a.shape[1]))
        one, zero, by = self._number(1), self._number(0), ctypes.byref
        pa, pb, pout = (ctypes.c_void_p(matrix.ctypes.data) for matrix in (a, b, out))
        before = self._get_threads()
        self._set_threads(self._threads)
        # By columns, as BLAS reads them, these are B^T A^T = C^T.
        self._call(
            b"N", b"N", by(m), by(n), by(k), by(one), pb, by(m), pa, by(k), by(zero), pout, by(m)
        )
        self._set_threads(before)


def rate(dtype: type, size: int, threads: int) -> float:
    """Operations a second of a square product, the best of several."""
    rng = np.random.default_rng(0)
    a = rng.normal(size=(size, size)).astype(dtype)
    b, out = a.T.copy(), np.empty_like(a)
    product = Gemm(dtype, threads)
    product(a, b, out)
    np.testing.assert_allclose(out[:3], a[:3] @ b, rtol=0, atol=1e-2)
    least = float("inf")
    for _ in range(REPEATS):
        begun = time.perf_counter()
        product(a, b, out)
        least = min(least, time.perf_counter() - begun)
    return 2.0 * size**3 / least
