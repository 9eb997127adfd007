"""What a notebook's cell needs to put a number into the text of the book."""

from __future__ import annotations

import sys

RECORD = "application/papermill.record/"  # the mark MyST-NB looks for


def glue(name: str, value: object) -> None:
    """Store a value in the notebook's output, for ``{glue:text}`` in the text of the same page.

    The output carries the mark that MyST-NB reads, so neither the notebook nor Colab needs MyST-NB installed, and the
    stored text is compared like every other output.

    Parameters
    ----------
    name : str
        What the text calls it.
    value : object
        Stored as ``str(value)``, and shown only where the text asks for it; outside a notebook it is printed. Format
        floats first, to as many digits as are the same on every machine.

    Raises
    ------
    TypeError
        ``value`` is a bare float: its last digits differ from machine to machine.

    Examples
    --------
    >>> glue("digits-train", 3500)
    3500
    >>> glue("accuracy", 0.8231)
    Traceback (most recent call last):
    ...
    TypeError: glue("accuracy", 0.8231): format the float first, for example f"{0.8231:.2f}".
    """
    if isinstance(value, float):
        raise TypeError(f'glue("{name}", {value}): format the float first, for example f"{{{value}:.2f}}".')
    if "IPython" not in sys.modules or sys.modules["IPython"].get_ipython() is None:
        print(value)
        return
    from IPython.display import publish_display_data

    # MyST-NB evaluates the text as a Python literal; only a quoted string comes out as it went in.
    metadata = {"scrapbook": {"name": name, "mime_prefix": RECORD}}
    publish_display_data({RECORD + "text/plain": repr(str(value))}, metadata)
