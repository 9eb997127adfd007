"""The subword tokenizer: what it returns, and what it refuses."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from gpulab import transfer
from gpulab.transfer.tokens import check_tokens


@pytest.fixture(scope="module")
def minilm() -> transfer.Tokenizer:
    return transfer.tokenizer("minilm")


def test_a_row_starts_with_cls_ends_with_sep_and_is_padded(minilm: transfer.Tokenizer) -> None:
    tokens = minilm(["the cat", ""], length=6)
    assert tokens.dtype == np.int64 and tokens.tolist() == [[101, 1996, 4937, 102, 0, 0], [101, 102, 0, 0, 0, 0]]


def test_a_long_text_is_cut_and_still_ends_with_sep(minilm: transfer.Tokenizer) -> None:
    tokens = minilm(["one two three four five six"], length=5)
    assert tokens.shape == (1, 5) and tokens[0, -1] == 102
    assert minilm.text(tokens[0]) == "one two three"


def test_rows_are_neither_cut_nor_padded(minilm: transfer.Tokenizer) -> None:
    assert [len(row) for row in minilm.rows(["a", "a b c " * 100])] == [3, 302]


def test_capitals_and_accents_are_lost_and_rare_words_are_cut(minilm: transfer.Tokenizer) -> None:
    assert minilm.pieces("Naïve KITTEN") == ["naive", "kitten"]
    assert minilm.pieces("uninspired") == ["un", "##ins", "##pired"]
    assert minilm.number("kitten") == 18401 and minilm.number("uninspired") is None and minilm.size == 30522


@pytest.mark.parametrize(
    ("texts", "length", "words"),
    [
        ("one string", 8, "expected a list"),
        ([b"bytes"], 8, "Text 0 is a bytes"),
        (["a"], 1, "length=1: expected a whole number"),
        (["a"], 513, "2 to 512"),
        (["a"], 8.0, "length=8.0"),
    ],
)
def test_what_is_no_list_of_texts_is_refused(
    minilm: transfer.Tokenizer, texts: object, length: object, words: str
) -> None:
    with pytest.raises(transfer.TransferError, match=words):
        minilm(texts, length)


def test_unknown_names_and_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(transfer.TransferError, match="no tokenizer for 'mobilenet-v2'.*minilm"):
        transfer.tokenizer("mobilenet-v2")
    with pytest.raises(transfer.TransferError, match="no tokenizer that can be read"):
        transfer.tokenizer("minilm", source=tmp_path)


def test_it_loads_from_a_folder(minilm: transfer.Tokenizer) -> None:
    from gpulab import assets

    same = transfer.tokenizer("minilm", source=assets.folder("minilm"))
    assert (same(["a kitten"]) == minilm(["a kitten"])).all()


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(transfer.TransferError, match=r"gpulab\[text\]"):
        transfer.tokenizer("minilm")


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        (np.zeros((2, 3)), "Row 0 starts with the token 0"),
        (np.full((2, 3), 0.5), "fractions"),
        (np.array([[101, 99_999]]), "a token 99999"),
        (np.array([[101, -1]]), "a token -1"),
        (np.array([101, 102]), r"shape \(2,\)"),
        (np.full((1, 600), 101), "600 tokens"),
    ],
)
def test_tokens_of_another_tokenizer_are_refused(tokens: np.ndarray, words: str) -> None:
    with pytest.raises(transfer.TransferError, match=words):
        check_tokens(tokens, 30522)


def test_the_card_says_what_it_is() -> None:
    card = transfer.card("minilm")
    assert card.stages == ("embeddings", *(f"block{i}" for i in range(1, 7)), "pool")
    assert card.preprocess is None and card.sha256.startswith("53aa5117") and card.parameters == 22_565_376
