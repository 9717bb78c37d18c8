"""Sphinx settings: MyST pages, API pages from the docstrings, a gallery from the figures."""

import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

import _generate  # noqa: E402

import hadax  # noqa: E402

project = "hadax"
author = copyright = "The hadax authors"
version = release = hadax.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"hadax {version}"

myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
default_role = "literal"  # `x` in a docstring is code
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_custom_sections = ["Cost"]
autodoc_typehints = "none"  # the signature is shown as it is written; Args says the rest
autodoc_preserve_defaults = True
autodoc_member_order = "bysource"

_DOLLARS = re.compile(r"\$([^$]+)\$", re.DOTALL)


def _dollar_math(app, what, name, obj, options, lines):
    """Turn the $...$ of a docstring into the math role of reStructuredText."""
    text = "\n".join(lines)
    text = _DOLLARS.sub(lambda found: f":math:`{' '.join(found[1].split())}`", text)
    lines[:] = text.split("\n")


def setup(app):
    _generate.api_pages(HERE / "api")
    _generate.gallery_pages(HERE / "gallery")
    app.connect("autodoc-process-docstring", _dollar_math)
