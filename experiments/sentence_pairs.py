"""What does a sentence embedding call alike? Pairs of sentences, negation, word order, and search, by MiniLM.

No training. "words" is the cosine of the means of the word vectors, before the first block. Search goes through 4,000
sentences of the training part; what is stored are their places, not their words.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from experiments import rows, text_transfer
from gpulab import transfer
from gpulab.data import load

LENGTH = 40
PAIRS = (
    ("same", "A cat sleeps on the sofa.", "A kitten is napping on the couch."),
    ("same", "The physician treated her.", "She was seen by a doctor."),
    ("same", "The film made me laugh.", "I found the movie very funny."),
    ("near", "A cat sleeps on the sofa.", "A dog sleeps on the sofa."),
    ("near", "He plays the guitar.", "He plays football."),
    ("near", "The flight costs 50 dollars.", "The flight costs 5000 dollars."),
    ("order", "The dog bites the man.", "The man bites the dog."),
    ("order", "Paris is larger than Lyon.", "Lyon is larger than Paris."),
    ("not", "The film is good.", "The film is not good."),
    ("not", "He will come tomorrow.", "He will not come tomorrow."),
    ("sense", "She sat on the bank of the river.", "He put his money in the bank."),
    ("far", "A cat sleeps on the sofa.", "Stock prices fell on Monday."),
    ("far", "The film is good.", "Boil the rice for ten minutes."),
)
# An adjective, a word of nearly the same meaning, and the opposite.
WORDS = (
    ("good", "great", "bad"),
    ("bad", "awful", "good"),
    ("funny", "hilarious", "serious"),
    ("boring", "dull", "exciting"),
    ("long", "lengthy", "short"),
    ("clever", "smart", "stupid"),
    ("beautiful", "gorgeous", "ugly"),
    ("sad", "sorrowful", "happy"),
    ("scary", "frightening", "harmless"),
    ("strange", "weird", "normal"),
    ("fast", "quick", "slow"),
    ("honest", "sincere", "dishonest"),
)
QUERIES = (
    "I could not stop laughing.",
    "I fell asleep before the end.",
    "The pictures are beautiful, but there is no story.",
    "Not suitable for children.",
)


def cases(side: str) -> list[rows.Case]:
    """Return the runs of a side."""
    return [{"topic": topic} for topic in ("pairs", "negation", "order", "search")]


@cache
def encoder(side: str) -> Any:
    """Return the pretrained model."""
    return transfer.load("minilm", side)


def embed(side: str, texts: list[str], at: str = "pool") -> np.ndarray:
    """Return embeddings of length 1, (n, 384)."""
    tokens = transfer.tokenizer("minilm")(texts, LENGTH)
    found = transfer.features(encoder(side), tokens, at)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def cosines(side: str, a: list[str], b: list[str], at: str = "pool") -> list[float]:
    """Return the cosine of each pair."""
    return [round(float(value), 3) for value in (embed(side, a, at) * embed(side, b, at)).sum(axis=1)]


def measure(side: str, topic: str) -> rows.Row:
    """Return what was found on one topic."""
    return {"found": {"pairs": pairs, "negation": negation, "order": order, "search": search}[topic](side)}


def pairs(side: str) -> list[dict[str, Any]]:
    """Compare the hand-made pairs."""
    a, b = [pair[1] for pair in PAIRS], [pair[2] for pair in PAIRS]
    values = zip(PAIRS, cosines(side, a, b), cosines(side, a, b, "embeddings"), strict=True)
    return [{"kind": kind, "a": a, "b": b, "cosine": c, "words": w} for (kind, a, b), c, w in values]


def negation(side: str) -> list[dict[str, Any]]:
    """Compare "The film is X." with its negation, a synonym, and the opposite."""
    base = [f"The film is {word}." for word, _, _ in WORDS]
    found = {
        "not": cosines(side, base, [f"The film is not {word}." for word, _, _ in WORDS]),
        "synonym": cosines(side, base, [f"The film is {word}." for _, word, _ in WORDS]),
        "opposite": cosines(side, base, [f"The film is {word}." for _, _, word in WORDS]),
    }
    return [{"word": word[0], **{kind: found[kind][i] for kind in found}} for i, word in enumerate(WORDS)]


def order(side: str) -> dict[str, float]:
    """Compare 300 sentences with themselves, the words shuffled, and with the next sentence."""
    texts = [str(text) for text in load("snippets").train.x[:300]]
    rng = np.random.default_rng(0)
    shuffled = [" ".join(rng.permutation(text.split())) for text in texts]
    mixed = cosines(side, texts, shuffled)
    other = cosines(side, texts, texts[1:] + texts[:1])
    return {"shuffled": round(float(np.mean(mixed)), 3), "low": min(mixed), "next": round(float(np.mean(other)), 3)}


def search(side: str) -> list[dict[str, Any]]:
    """Find the three nearest of 4,000 sentences to each query, by embedding and by counted words."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = [str(text) for text in load("snippets").train.x[: text_transfer.POOL]]
    pool = text_transfer.embedded(side)[0]
    likeness = embed(side, list(QUERIES)) @ (pool / np.linalg.norm(pool, axis=1, keepdims=True)).T
    counter = TfidfVectorizer(sublinear_tf=True).fit(texts)
    counted = (counter.transform(QUERIES) @ counter.transform(texts).T).toarray()
    found = []
    for i, query in enumerate(QUERIES):
        for by, scores in (("minilm", likeness[i]), ("tf-idf", counted[i])):
            best = np.argsort(-scores)[:3]
            values = [round(float(scores[k]), 3) for k in best]
            found.append({"query": query, "by": by, "places": [int(k) for k in best], "scores": values})
    return found


if __name__ == "__main__":
    packages = ("numpy", "scikit-learn", "tokenizers", "transformers", "torch", "tensorflow", "keras")
    rows.main("sentence_pairs", cases, measure, packages=packages)
