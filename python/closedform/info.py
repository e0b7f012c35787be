"""What this installation is, and where its C++ library and CMake package lie."""

from __future__ import annotations

from pathlib import Path

from closedform import _core


def build_info() -> dict[str, str]:
    """Version, compiler, build type and the instruction set in use."""
    return dict(_core.build_info())


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
