"""Numbers as a reader wants them."""

from __future__ import annotations


def duration(hours: float) -> str:
    """Return a length of time in a unit that fits.

    Examples
    --------
    >>> duration(0.001), duration(0.2), duration(30), duration(100)
    ('3.6 s', '12 min', '30 h', '4.2 days')
    """
    if hours < 1 / 60:
        return f"{hours * 3600:.2g} s"
    if hours < 1:
        return f"{hours * 60:.2g} min"
    if hours < 48:
        return f"{hours:.2g} h"
    return f"{hours / 24:.2g} days" if hours < 24 * 99 else f"{hours / 24:,.0f} days"


def dollars(usd: float) -> str:
    """Return an amount of money, with cents where it is small.

    Examples
    --------
    >>> dollars(1499), dollars(3.456)
    ('1,499 USD', '3.46 USD')
    """
    return f"{usd:,.0f} USD" if usd >= 100 else f"{usd:.2f} USD"


def amount(number: float) -> str:
    """Return a count in words.

    Examples
    --------
    >>> amount(115_305_030), amount(20_000), amount(1.5e9)
    ('115 million', '20,000', '1.5 billion')
    """
    for size, word in ((1e9, "billion"), (1e6, "million")):
        if number >= size:
            return f"{number / size:.3g} {word}"
    return f"{number:,.0f}"
