"""Hours, energy and money of a job: small formulas, each of them shared by the ranking, the lessons and the widget."""

from __future__ import annotations

from gpulab.hardware import Device

WAITING = 0.45  # share of its design power that a device draws while it waits, as in `gpulab.estimate`


def hours(samples: float, samples_per_s: float) -> float:
    """Return how long a job takes.

    Examples
    --------
    >>> hours(3_600_000, 500)
    2.0
    """
    return samples / samples_per_s / 3600


def kwh(device: Device, busy_hours: float, all_hours: float, watts_busy: float | None) -> float | None:
    """Return the energy of a job in kWh, the hours included in which the device waits; ``None`` if nobody knows.

    Parameters
    ----------
    device : Device
    busy_hours, all_hours : float
        Hours of computing, and hours from the start to the end.
    watts_busy : float or None
        Power while computing.
    """
    if watts_busy is None or device.tdp_w is None:
        return None
    return (watts_busy * busy_hours + WAITING * device.tdp_w * (all_hours - busy_hours)) / 1000


def buying(price_usd: float, energy_kwh: float | None, electricity: float | None) -> float:
    """Return what a bought card costs for a job: its whole price, and the electricity where both figures are known.

    Examples
    --------
    >>> buying(1000.0, 50.0, 0.3)
    1015.0
    """
    return price_usd + (energy_kwh or 0.0) * (electricity or 0.0)


def renting(job_hours: float, rate: float) -> float:
    """Return the rent of a job, every hour begun counted only as far as it is used.

    Examples
    --------
    >>> renting(10.5, 2.0)
    21.0
    """
    return job_hours * rate


def break_even_hours(price_usd: float, rate: float, watts: float = 0.0, electricity: float = 0.0) -> float:
    """Return after how many hours of use buying is cheaper than renting the same card; infinity if it never is.

    Parameters
    ----------
    price_usd : float
        Of the card.
    rate : float
        Rent in US dollars an hour; electricity is in it.
    watts : float
        Power of the card while it works.
    electricity : float
        US dollars for a kWh.

    Examples
    --------
    >>> break_even_hours(1600.0, 0.8)
    2000.0
    >>> break_even_hours(1600.0, 0.1, watts=400, electricity=0.3)
    inf
    """
    saved = rate - watts / 1000 * electricity
    return price_usd / saved if saved > 0 else float("inf")
