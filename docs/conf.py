"""How Sphinx builds these pages: `sphinx-build -W -b html docs build/docs`."""

from __future__ import annotations

import sys
from pathlib import Path

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS))

import pictures  # noqa: E402

import closedform  # noqa: E402

project = "closedform"
author = "the closedform authors"
version = release = closedform.__version__
html_title = "closedform"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.mathjax"]
exclude_patterns = ["README.md"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 2

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the text says what arguments are; signatures stay short
napoleon_numpy_docstring = False
napoleon_attr_annotations = False
napoleon_use_ivar = True  # attributes of a class are listed in it once
default_role = "code"

html_theme = "furo"
html_static_path: list[str] = []
html_copy_source = False

pictures.draw(DOCS / "pictures")
