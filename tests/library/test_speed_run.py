"""The referee of the speed run: an honest entry passes, and cheats are caught. No framework is loaded."""

from __future__ import annotations

import io
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.speed_run import __main__ as bench
from benchmarks.speed_run import messages, rates, referee
from benchmarks.speed_run.recipes import BASE, LADDER, Recipe, changed
from gpulab.assets import store
from gpulab.data import load

CLAIM = 'CLAIM = {"name": "Test", "author": "A. Student", "class": "open", "accuracy": 0.8}\n'
HONEST = """
import numpy as np

def train(train, valid, seed):
    x, y = train
    means = np.stack([x[y == k].mean(axis=0).ravel() for k in range(10)])
    return lambda images: 2 * images.reshape(len(images), -1) @ means.T - (means**2).sum(1)
"""


@pytest.fixture(scope="module")
def digits() -> Any:
    return load("digits")


def verdict(folder: Path, code: str, digits: Any, claim: str = CLAIM, target: float = 0.78, **more: Any) -> dict[str, Any]:
    path = folder / "entry.py"
    path.write_text(claim + textwrap.dedent(code))
    return referee.verify(path, more.pop("seeds", (5, 6)), digits, target=target, threads=1, **more)


def test_an_honest_entry_passes(tmp_path: Path, digits: Any) -> None:
    line = verdict(tmp_path, HONEST, digits)
    assert line["verdict"] == "accepted" and line["problems"] == []
    assert 0.78 < line["accuracy"] < 0.85 and 0 < line["seconds"] < 20 and line["seeds"] == [5, 6]


def test_reading_the_test_part_is_refused_and_reported(tmp_path: Path, digits: Any) -> None:
    path = store.location("digits") / "digits.safetensors"
    code = HONEST + f"""
    honest = train

    def train(train, valid, seed):
        for place in ({str(path)!r}, {str(path)!r}.encode()):
            try:
                open(place, "rb")
            except OSError:
                pass  # hide that it was refused
        return honest(train, valid, seed)
    """.replace("\n    ", "\n")
    line = verdict(tmp_path, code, digits)
    assert line["verdict"] == "rejected"
    assert any("reached for a file that holds the data" in problem for problem in line["problems"])


def test_training_on_the_course_s_own_loader_is_refused(tmp_path: Path, digits: Any) -> None:
    code = """
    def train(train, valid, seed):
        from gpulab.data import load

        x, y = load("digits").test
        return lambda images: y[: len(images)]
    """
    line = verdict(tmp_path, code, digits)
    assert line["verdict"] == "rejected" and line["accuracy"] == 0
    assert any("reached for the data set" in problem for problem in line["problems"])


EXAMPLES = Path(referee.__file__).parent / "examples"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nearest_average", ""),
        ("cheat_opens_the_file", "reached for the data set"),
        ("cheat_answers_from_home", "mean accuracy"),
        ("cheat_own_clock", "claims to take 0.001 s"),
    ],
)
def test_the_examples_get_the_verdict_that_the_page_shows(name: str, words: str, digits: Any) -> None:
    line = referee.verify(EXAMPLES / f"{name}.py", (5, 6), digits, target=0.78, threads=1)
    assert line["verdict"] == ("rejected" if words else "accepted")
    assert any(words in problem for problem in line["problems"]) or not words


def test_a_table_of_hashes_finds_nothing(tmp_path: Path, digits: Any) -> None:
    hashes = {hash(image.tobytes()) % 10**6: 0 for image in digits.test.x[:5]}
    code = f"""
    import numpy as np, zlib

    TABLE = {[zlib_of(image) for image in digits.test.x[:900]]}
    LABELS = {''.join(map(str, digits.test.y[:900]))!r}

    def train(train, valid, seed):
        known = dict(zip(TABLE, LABELS))
        print(len(known))
        return lambda x: np.array([int(known.get(zlib.crc32(image.tobytes()), 0)) for image in x])
    """
    line = verdict(tmp_path, code, digits, target=0.5)
    assert hashes and line["verdict"] == "rejected" and line["accuracy"] < 0.2


def zlib_of(image: np.ndarray) -> int:
    import zlib

    return zlib.crc32(image.tobytes())


def test_who_knows_images_instead_of_digits_falls_when_they_move(tmp_path: Path, digits: Any) -> None:
    """The undisguised case: the table fits, so only the moved copies tell."""
    run = referee.Run(0, seconds=1.0, accuracy=0.99, moved=0.12)
    assert run.accuracy - run.moved > referee.MOST_FALL
    still = referee.Disguise.drawn(3, 10, 4)
    image = np.zeros((1, 5, 5, 1), np.float32)
    image[0, 2, 2] = 1
    moved = still.moved(image)
    assert moved[0, 2 + still.down, 2 + still.right] == 1 and moved.sum() == 1


def test_its_own_clock_and_training_inside_predict_gain_nothing(tmp_path: Path, digits: Any) -> None:
    code = """
    import time
    import numpy as np

    def train(train, valid, seed):
        waits = [0.6]
        slow = time.sleep
        time.perf_counter = time.time = time.monotonic = lambda: 0.0
        x, y = train
        means = np.stack([x[y == k].mean(axis=0).ravel() for k in range(10)])

        def predict(images):
            if waits:
                slow(waits.pop())
            return 2 * images.reshape(len(images), -1) @ means.T - (means**2).sum(1)

        return predict
    """
    line = verdict(tmp_path, code, digits)
    assert line["verdict"] == "accepted" and min(line["seconds_all"]) >= 0.6


def test_an_answer_may_not_depend_on_the_other_images(tmp_path: Path, digits: Any) -> None:
    code = HONEST + """
    honest = train

    def train(train, valid, seed):
        inner = honest(train, valid, seed)
        return lambda images: inner(images - images.mean(axis=0) * (len(images) < 500) * 9)
    """.replace("\n    ", "\n")
    line = verdict(tmp_path, code, digits)
    assert line["verdict"] == "rejected" and any("asked for again" in problem for problem in line["problems"])


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import subprocess\nsubprocess.run(['true'])", "another program"),
        ("import socket\nsocket.create_connection(('127.0.0.1', 9))", "the network"),
        ("raise ValueError('no')", "failed: ValueError: no"),
        ("return lambda images: 'zero'", "predict returned"),
        ("import os\nos._exit(0)", "ended before it had answered"),
    ],
)
def test_what_goes_wrong_is_named(tmp_path: Path, digits: Any, code: str, words: str) -> None:
    body = "def train(train, valid, seed):\n" + textwrap.indent(code, "    ")
    line = verdict(tmp_path, body, digits)
    assert line["verdict"] == "rejected" and any(words in problem for problem in line["problems"])


def test_a_run_that_never_ends_is_ended(tmp_path: Path, digits: Any) -> None:
    line = verdict(tmp_path, "def train(train, valid, seed):\n    while True:\n        pass\n", digits, limit=3)
    assert line["verdict"] == "rejected" and "ran longer than 3 s" in line["problems"][0]


def test_a_claim_that_was_not_reached_is_named(tmp_path: Path, digits: Any) -> None:
    line = verdict(tmp_path, HONEST, digits, claim=CLAIM.replace("0.8", "0.95"))
    assert line["verdict"] == "rejected" and "claims an accuracy of 95.00%" in line["problems"][-1]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = (", "no Python file"),
        ("def train(): pass", "no CLAIM"),
        ("CLAIM = open('x')\ndef train(): pass", "no CLAIM"),
        ('CLAIM = {"name": "a"}', "has no author, class, accuracy"),
        (CLAIM.replace("open", "my own"), "expected one of reference, open"),
        (CLAIM, "no function train"),
        (CLAIM + HONEST + "#" * 20_000, "at most 20,000"),
    ],
)
def test_a_file_that_is_no_entry_is_named(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "entry.py"
    path.write_text(text)
    with pytest.raises(referee.EntryError, match=words):
        referee.read_claim(path)


def test_one_seed_is_not_enough(tmp_path: Path) -> None:
    with pytest.raises(referee.EntryError, match="no spread"):
        referee.verify(tmp_path / "entry.py", [1])


def test_the_disguise_keeps_what_an_image_shows(digits: Any) -> None:
    one, other = (referee.Disguise.drawn(secret, 10, 1000) for secret in (1, 2))
    assert sorted(one.names) == list(range(10)) and sorted(one.order) == list(range(1000))
    assert not np.array_equal(one.names, other.names) and one.light != other.light
    x = one.images(digits.test.x[:3])
    assert x.dtype == np.float32 and 0.97 < x.max() <= 1 and not np.array_equal(x, digits.test.x[:3])
    labels = one.labels(digits.test.y)
    assert [len(set(labels[digits.test.y == k])) for k in range(10)] == [1] * 10


def test_messages_carry_arrays_and_no_pickles() -> None:
    pipe = io.BytesIO()
    messages.send(pipe, "images", {"x": np.arange(6.0).reshape(2, 3)}, seed=3)
    pipe.seek(0)
    message = messages.receive(pipe)
    assert message["kind"] == "images" and message["seed"] == 3 and message["x"].shape == (2, 3)
    with pytest.raises(EOFError):
        messages.receive(pipe)
    pipe = io.BytesIO(messages.HEAD.pack(1 << 40, 0))
    with pytest.raises(ValueError, match="no message"):
        messages.receive(pipe)
    pipe = io.BytesIO()
    messages.send(pipe, "images", {"x": np.array([print], dtype=object)})
    pipe.seek(0)
    with pytest.raises(ValueError, match="allow_pickle"):
        messages.receive(pipe)


# --- The ladder ----------------------------------------------------------------------------------------------------


def test_each_step_has_one_difference_and_a_step_before_it() -> None:
    names = list(LADDER)
    assert BASE in LADDER
    for name, step in LADDER.items():
        if step.before is None:
            continue
        assert names.index(step.before) < names.index(name)
        difference = set(changed(LADDER[step.before].recipe, step.recipe))
        assert len(difference - {"epochs"} - set(step.tuned)) <= 1, f"{name} changes {sorted(difference)}"
        assert difference, f"{name} changes nothing"


def test_a_recipe_refuses_unknown_words() -> None:
    with pytest.raises(ValueError, match="optimizer='adma': expected one of 'adam'"):
        Recipe(optimizer="adma")
    with pytest.raises(ValueError, match="epochs=0: expected a number above 0"):
        Recipe(epochs=0)


def test_the_triangle_rises_and_falls() -> None:
    values = np.array([rates.triangle(step, 100) for step in range(100)])
    assert values.argmax() == 30 and values[30] == pytest.approx(1) and values.min() > 0
    assert (np.diff(values[:31]) > 0).all() and (np.diff(values[30:]) < 0).all()


def test_distinct_moves_come_once_before_any_comes_again() -> None:
    corners = rates.Corners(np.random.default_rng(0), 7, 3, distinct=True)
    places = np.stack([3 * rows + columns for rows, columns in (corners.next() for _ in range(9))])
    assert (np.sort(places, axis=0) == np.arange(9)[:, None]).all()
    free = rates.Corners(np.random.default_rng(0), 700, 5, distinct=False)
    rows, columns = free.next()
    assert {*rows} == {*columns} == set(range(5))


def test_ratios_are_formed_within_a_round(tmp_path: Path) -> None:
    other = next(name for name in LADDER if name != BASE)
    log = tmp_path / "log"
    for name, seconds in ((BASE, (10.0, 20.0)), (other, (5.0, 2.0))):
        for seed, value in enumerate(seconds):
            bench.keep(log, {"name": name, "seed": seed, "seconds": value, "accuracy": 0.9, "load": 0})
    rows = bench.rows_of(bench.collect([BASE, other], 2, log, print))
    row = next(row for row in rows if row["name"] == other)
    assert row["ratio"]["median"] == pytest.approx(6) and row["runs"] == 2
