"""Where the C++ library, the C interface and their CMake package lie, for other programs."""

from __future__ import annotations

from pathlib import Path


def get_include() -> str:
    """The directory with the headers: `closedform/c_api.h` and the C++ library's.

    Raises:
        FileNotFoundError: closedform runs from its source tree; install it with pip.
    """
    return _directory("include")


def get_cmake_dir() -> str:
    """The directory to hand to CMake as `closedform_DIR`, for `find_package(closedform CONFIG)`.

    Raises:
        FileNotFoundError: closedform runs from its source tree; install it with pip.
    """
    return _directory("lib", "cmake", "closedform")


def _directory(*parts: str) -> str:
    path = Path(__file__).parent.joinpath(*parts)
    if not path.is_dir():
        raise FileNotFoundError(f"{path}: not installed; `pip install` closedform (not editable)")
    return str(path)
