"""Sphinx extension: the built book asks nothing of any other machine.

MathJax comes from the pip package sphinx-mathjax-offline. Of its 24 MB only the 2 MB that a page can ask for are
copied. The scripts of sphinx-thebe, which Jupyter Book adds although it is switched off, are taken out again.
"""

from __future__ import annotations

import shutil
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.util import logging

MATHJAX = "tex-chtml.js"
MATHJAX_PARTS = (MATHJAX, "input/tex/extensions", "output/chtml/fonts")
WIDGET_STATE = "application/vnd.jupyter.widget-state+json"
logger = logging.getLogger(__name__)


def mathjax_source() -> Path:
    """Return the folder in which pip installed MathJax (the package's name is no Python name: it can't be imported)."""
    return Path(str(distribution("sphinx-mathjax-offline").locate_file("sphinx-mathjax-offline/static/mathjax")))


def use_own_mathjax(app: Sphinx, _config: Any) -> None:
    """Point the pages at the copy of MathJax inside the book."""
    app.config.mathjax_path = f"mathjax/{MATHJAX}"


def copy_mathjax(app: Sphinx, exception: Exception | None) -> None:
    """Copy what the pages load, once they are written."""
    if exception is not None or app.builder.format != "html":
        return
    for part in MATHJAX_PARTS:
        source, target = mathjax_source() / part, Path(app.outdir) / "_static/mathjax" / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True)
        else:
            shutil.copyfile(source, target)


def is_thebe(asset: Any) -> bool:
    """Tell whether a script or a style sheet belongs to sphinx-thebe."""
    body = getattr(asset, "attributes", {}).get("body") or ""
    return "sphinx-thebe" in str(getattr(asset, "filename", "")) or "THEBE_JS_URL" in body


def clean_page(_app: Sphinx, page: str, _template: str, context: dict[str, Any], _doctree: Any) -> None:
    """Drop what would load from elsewhere, and refuse widget state, which a static page can't show."""
    for key in ("script_files", "css_files"):
        context[key] = [asset for asset in context[key] if not is_thebe(asset)]
    if any(getattr(script, "attributes", {}).get("type") == WIDGET_STATE for script in context["script_files"]):
        logger.warning("the notebook stores ipywidgets state, which a static page can't show: clear it", location=page)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the functions above; the page is cleaned after every other extension has added its scripts."""
    app.connect("config-inited", use_own_mathjax)
    app.connect("html-page-context", clean_page, priority=900)
    app.connect("build-finished", copy_mathjax)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
