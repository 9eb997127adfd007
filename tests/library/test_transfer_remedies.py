"""The callbacks against forgetting refuse what they cannot use, before anything is trained."""

from __future__ import annotations

import numpy as np
import pytest

from gpulab.transfer import TransferError
from gpulab.transfer.remedies import ElasticWeights, TowardStart, fisher


@pytest.mark.parametrize("strength", [-0.1, float("nan"), float("inf"), "0.1", True, None])
@pytest.mark.parametrize("kind", [TowardStart, lambda strength: ElasticWeights({}, strength)])
def test_a_strength_is_a_finite_number_of_at_least_zero(kind: type, strength: object) -> None:
    with pytest.raises(TransferError, match="expected a finite number of at least 0"):
        kind(strength)


def test_skip_is_a_list() -> None:
    with pytest.raises(TransferError, match=r"expected a list of names, such as \['head'\]"):
        TowardStart(skip="head")


def test_fisher_wants_samples() -> None:
    with pytest.raises(TransferError, match="x is empty"):
        fisher(None, np.zeros((0, 3)))
