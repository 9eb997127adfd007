"""What the estimator raises on purpose."""

from __future__ import annotations


class EstimateError(Exception):
    """A model, a device or an option cannot be estimated as asked; the message says what to do."""
