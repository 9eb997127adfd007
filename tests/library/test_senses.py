"""The sentences of words with two senses: complete, even, and each with its word once."""

from __future__ import annotations

import re
from collections import Counter

from gpulab.transfer.senses import SENTENCES


def test_six_words_with_two_senses_of_five_sentences() -> None:
    counts = Counter((word, sense) for word, sense, _ in SENTENCES)
    assert len(counts) == 12
    assert set(counts.values()) == {5}
    assert set(Counter(word for word, _ in counts).values()) == {2}


def test_each_sentence_has_its_word_once_and_stands_once() -> None:
    for word, _, sentence in SENTENCES:
        assert re.findall(r"[a-z]+", sentence.lower()).count(word) == 1, sentence
    assert len({sentence for _, _, sentence in SENTENCES}) == 60


def test_the_sentences_of_a_sense_stand_together() -> None:
    order = [(word, sense) for word, sense, _ in SENTENCES]
    assert order == [pair for pair in dict.fromkeys(order) for _ in range(5)]
