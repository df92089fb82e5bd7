"""How the documentation is built: `sphinx-build -W docs site`. Nothing is fetched from the network."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent), str(HERE.parent / "trainer")]

from musicgen_app import __version__  # noqa: E402

project, author = "ttm-app", "The ttm-app authors"
copyright = "2026, the ttm-app authors"
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "generated_pages", "plain_docstrings"]
myst_heading_anchors = 3
exclude_patterns = ["_ext"]
suppress_warnings = ["ref.python"]  # a class that two modules name alike is not linked from a signature

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True

html_theme = "furo"
html_title = f"ttm-app {__version__}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
