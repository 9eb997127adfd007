"""What does a vector of a word know? One-hot, a table of vectors, and vectors in context, all frozen.

``pair`` and ``near``: cosines in MiniLM's input table. ``analogy``: a is to b as c is to ?, with the three words of the
question allowed as answers and not allowed, beside the plain neighbor of c. ``senses``: words with two senses; has the
nearest other sentence the same sense, block by block? ``sentences``: how alike are two sentences? ``polarity``: movie
reviews, a linear probe on counted words, on mean vectors of the table, and on MiniLM's output. The labs show that both
frameworks compute the same vectors, so the runs are in PyTorch. A run that was stopped goes on where it was.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from experiments import rows

SEEDS = (0, 1, 2)
PAIRS = (
    ("good", "great"), ("good", "bad"), ("movie", "film"), ("cat", "kitten"), ("cat", "dog"), ("cat", "car"),
    ("car", "bicycle"), ("king", "queen"), ("bank", "river"), ("bank", "money"), ("bat", "animal"), ("bat", "ball"),
    ("good", "table"), ("movie", "river"),
)  # fmt: skip
NEAR = ("movie", "bank", "bat", "good", "king", "light", "spring", "paris")
RELATIONS = {
    "man, woman": "man woman king queen boy girl brother sister father mother uncle aunt son daughter actor actress",
    "country, capital": "france paris germany berlin italy rome spain madrid japan tokyo russia moscow egypt cairo",
    "country, people": "france french germany german italy italian spain spanish japan japanese russia russian "
    "poland polish",
    "now, then": "walk walked play played look looked turn turned want wanted call called need needed",
    "one, many": "car cars dog dogs house houses book books tree trees road roads river rivers",
    "plain, more": "small smaller large larger fast faster old older young younger high higher long longer",
}
TEXTS = (
    ("The film was wonderful.", "A great movie!"),
    ("The film was wonderful.", "The film was terrible."),
    ("The film was wonderful.", "The bank was closed."),
    ("The dog bites the man.", "The man bites the dog."),
    ("He struck a match and lit the candle.", "Our team won the match by two goals."),
)
LAYERS = ("table", "embeddings", *(f"block{i}" for i in range(1, 7)), "other words", "whole sentence")
SIZES, FEATURES, TEST, POOL = (100, 400, 1600), ("counts", "table", "minilm"), 500, 3200


def cases(side: str) -> list[dict[str, Any]]:
    """Return what is run."""
    found: list[dict[str, Any]] = [{"what": "pair", "a": a, "b": b} for a, b in PAIRS]
    found += [{"what": "near", "word": word} for word in NEAR]
    found += [{"what": "analogy", "relation": relation} for relation in RELATIONS]
    found += [{"what": "senses", "word": word, "layer": layer} for word in senses() for layer in LAYERS]
    found += [{"what": "sentences", "a": a, "b": b} for a, b in TEXTS]
    found += [
        {"what": "polarity", "features": features, "n": n, "seed": seed}
        for features in FEATURES
        for n in SIZES
        for seed in SEEDS
    ]
    return found


def measure(side: str, what: str, **case: Any) -> dict[str, Any]:
    """Run one case."""
    kinds = {"pair": pair, "near": near, "analogy": analogy, "senses": sense, "sentences": sentences}
    return {**kinds, "polarity": polarity}[what](**case)


def pair(a: str, b: str) -> dict[str, float]:
    """Return the cosine of two words' vectors in the table."""
    return {"cosine": float(unit_table()[number(a)] @ unit_table()[number(b)])}


def near(word: str) -> dict[str, list[Any]]:
    """Return the six nearest words of a word, and their cosines; pieces of words are left out."""
    cosines = unit_table() @ unit_table()[number(word)]
    order = [i for i in cosines.argsort()[::-1] if words()[i].isalpha() and words()[i] != word][:6]
    return {"words": [words()[i] for i in order], "cosines": cosines[order].round(4).tolist()}


def analogy(relation: str) -> dict[str, int]:
    """Ask every pair with every other one: a is to b as c is to ?"""
    listed = RELATIONS[relation].split()
    pairs = list(zip(listed[::2], listed[1::2], strict=True))
    found = {"questions": 0, "right": 0, "third": 0, "closed": 0, "neighbor": 0}
    for a, b in pairs:
        for c, d in pairs:
            if a == c:
                continue
            va, vb, vc = (unit_table()[number(word)] for word in (a, b, c))
            open_ = words()[int((unit_table() @ (vb - va + vc)).argmax())]
            found["questions"] += 1
            found["right"] += open_ == d
            found["third"] += open_ == c
            found["closed"] += best(vb - va + vc, (a, b, c)) == d
            found["neighbor"] += best(vc, (a, b, c)) == d
    return found


def sense(word: str, layer: str) -> dict[str, float]:
    """Has the nearest other sentence the same sense? Each sentence against the nine others of its word."""
    labels, vectors = senses()[word], sense_vectors()[word][layer]
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = (unit @ unit.T).round(4)  # equal vectors shall have equal cosines on every machine
    same = labels[:, None] == labels
    np.fill_diagonal(same, False)
    other = labels[:, None] != labels
    np.fill_diagonal(cosines, -np.inf)
    nearest = cosines == cosines.max(axis=1, keepdims=True)  # several where they are equally near
    hits = (nearest & same).sum(axis=1) / nearest.sum(axis=1)
    return {"right": float(hits.mean()), "same": float(cosines[same].mean()), "other": float(cosines[other].mean())}


def sentences(a: str, b: str) -> dict[str, float]:
    """Return how alike two sentences are: shared words, mean vectors of the table, MiniLM's output."""
    tokens = tokenizer()([a, b])
    counted = np.zeros((2, len(words())))
    for row, count in zip(tokens, counted, strict=True):
        np.add.at(count, [t for t in row if t not in (0, 101, 102)], 1)
    kinds = {"counts": counted, "table": counted @ table(), "minilm": sentence_vectors((a, b))}
    return {name: float(cosine(*vectors)) for name, vectors in kinds.items()}


def polarity(features: str, n: int, seed: int) -> dict[str, float]:
    """Fit a linear probe to n reviews, its strength chosen by cross-validation, and test it on others."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MaxAbsScaler, StandardScaler

    train_x, train_y, test_x, test_y = reviews()
    chosen = np.random.default_rng(seed).permutation(POOL)[:n]
    if features == "counts":
        from sklearn.feature_extraction.text import CountVectorizer

        counter = CountVectorizer()
        x, other = counter.fit_transform(train_x[chosen]), counter.transform(test_x)
    else:
        x, other = review_vectors(features)[0][chosen], review_vectors(features)[1]
    scale = MaxAbsScaler() if features == "counts" else StandardScaler()
    probe = make_pipeline(scale, LogisticRegression(max_iter=2000))
    strengths = {"logisticregression__C": np.logspace(-4, 1, 6)}
    model = GridSearchCV(probe, strengths, cv=3).fit(x, train_y[chosen])
    return {"numbers": x.shape[1], "test": float(model.score(other, test_y))}


# --- Words and vectors -------------------------------------------------------------------------------------------------


@cache
def tokenizer() -> Any:
    """Return MiniLM's tokenizer."""
    from gpulab import transfer

    return transfer.tokenizer("minilm")


@cache
def network() -> Any:
    """Return MiniLM in PyTorch."""
    from gpulab import transfer

    return transfer.load("minilm", "torch").eval()


@cache
def table() -> np.ndarray:
    """Return the vector of each piece (30,522, 384)."""
    return network().stages["embeddings"].layer.word_embeddings.weight.detach().numpy()


@cache
def unit_table() -> np.ndarray:
    """Return the table with rows of length 1."""
    return table() / np.linalg.norm(table(), axis=1, keepdims=True)


@cache
def words() -> list[str]:
    """Return the pieces in the order of their numbers."""
    return [tokenizer().inner.id_to_token(i) for i in range(len(table()))]


def number(word: str) -> int:
    """Return the number of a word that is one piece."""
    (found,) = tokenizer().rows([word])[0][1:-1]
    return found


def best(vector: np.ndarray, without: tuple[str, ...]) -> str:
    """Return the nearest word to a vector, other than some words."""
    cosines = unit_table() @ vector
    cosines[[number(word) for word in without]] = -np.inf
    return words()[int(cosines.argmax())]


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    """Return the cosine of the angle between two vectors."""
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


@cache
def senses() -> dict[str, np.ndarray]:
    """Return the senses of the sentences of each word."""
    from gpulab.transfer.senses import SENTENCES

    return {word: np.array([s for w, s, _ in SENTENCES if w == word]) for word in dict.fromkeys(w for w, _, _ in SENTENCES)}


@cache
def sense_vectors() -> dict[str, dict[str, np.ndarray]]:
    """Return the vectors of each word in its sentences, for each layer."""
    import torch

    from gpulab.transfer.senses import SENTENCES

    found: dict[str, dict[str, Any]] = {word: {layer: [] for layer in LAYERS} for word in senses()}
    for word, _, sentence in SENTENCES:
        row = tokenizer().rows([sentence])[0]
        place = row.index(number(word))
        out = found[word]
        out["table"].append(table()[row[place]])
        out["other words"].append(table()[[t for i, t in enumerate(row[1:-1], 1) if i != place]].mean(axis=0))
        given: Any = torch.tensor([row])
        with torch.inference_mode():
            for name, stage in network().stages.items():
                given = stage(given)
                if name in out:
                    out[name].append(given[0][0, place].numpy())
        out["whole sentence"].append(given[0].numpy())
    return {word: {layer: np.array(v) for layer, v in layers.items()} for word, layers in found.items()}


def sentence_vectors(texts: Any) -> np.ndarray:
    """Return MiniLM's vector of each text."""
    from gpulab import transfer

    return transfer.features(network(), tokenizer()(list(texts)))


@cache
def reviews() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the reviews to learn from, and those to test."""
    from gpulab.data import load

    data = load("snippets")
    order = np.random.default_rng(0).permutation(len(data.train.y))[:POOL]
    test = np.random.default_rng(0).permutation(len(data.test.y))[:TEST]
    return data.train.x[order], data.train.y[order], data.test.x[test], data.test.y[test]


@cache
def review_vectors(kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Return one vector for each review: the mean of its pieces in the table, or MiniLM's output."""
    train, _, test, _ = reviews()
    if kind == "minilm":
        return sentence_vectors(train), sentence_vectors(test)
    return tuple(np.array([table()[row[1:-1]].mean(axis=0) for row in tokenizer().rows(list(x))]) for x in (train, test))


if __name__ == "__main__":
    packages = ("numpy", "scikit-learn", "torch", "transformers", "tokenizers")
    rows.main("word_vectors", cases, measure, sides=("torch",), packages=packages)
