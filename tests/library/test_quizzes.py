"""The quizzes: their files are checked, their HTML gives nothing away, and every number is computed again."""

from __future__ import annotations

import base64
import json
import math
import re
import tomllib
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gpulab.quizzes import Choice, Number, Order, QuizError, names, quiz, read
from gpulab.quizzes.page import FOLDER, marked_up, plain
from gpulab.vision import iou

ROOT = Path(__file__).resolve().parents[2]
CHOICE = """
title = "Sums"
[[question]]
kind = "choice"
id = "one-and-one"
text = "1 + 1 = ?"
[[question.option]]
text = "two"
right = true
why = "One and one more."
[[question.option]]
text = "three"
why = "That is one too many."
"""
NUMBER = """
title = "Sums"
[[question]]
kind = "number"
id = "two-and-three"
text = "2 + 3 = ?"
value = 5
why = "Count on from 2."
[[question.wrong]]
value = 6
why = "That is the product."
"""
ORDER = """
title = "Numbers"
[[question]]
kind = "order"
id = "small-first"
text = "Small numbers first."
items = ["one", "two", "three"]
shown = [2, 0, 1]
why = "Each is one more."
hint = "Which is the smallest?"
"""


# --- The files ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "kind"), [(CHOICE, Choice), (NUMBER, Number), (ORDER, Order)])
def test_each_kind_is_read(text: str, kind: type) -> None:
    _, (question,) = read(text, "x.toml")
    assert isinstance(question, kind)


BROKEN = [
    (CHOICE, "right = true\n", "", "0 options are right; expected exactly one"),
    (CHOICE, 'why = "That', 'right = true\nwhy = "That', "2 options are right"),
    (CHOICE, 'why = "One and one more."', "", "option 1: why is missing"),
    (CHOICE, '"That is one too many."', '" "', "option 2: why is ' '; expected text, and not nothing"),
    (CHOICE, '"three"', '"two"', "two options have the same text"),
    (CHOICE, 'text = "1 + 1 = ?"', 'text = "1 + 1 = ?"\nsevral = true', "sevral is unknown"),
    (CHOICE, "right = true", 'right = "yes"', "right is 'yes'; expected true or false"),
    (CHOICE, '"one-and-one"', '"One and one"', "the id 'One and one' is not made of"),
    (CHOICE, '"choice"', '"riddle"', "kind is 'riddle'; expected one of: choice, number, order"),
    (CHOICE, "title =", "titel =", "title is missing"),
    (CHOICE, '"Sums"', "Sums", "is no TOML"),
    (CHOICE, CHOICE[CHOICE.rindex("[[question.option]]") :], "", "1 option; expected at least two"),
    (NUMBER, "value = 5", 'value = "5"', "value is '5'; expected a number"),
    (NUMBER, "value = 5", "value = true", "value is True; expected a number"),
    (NUMBER, "value = 5", "value = nan", "must be finite"),
    (NUMBER, "value = 5", "value = 5\ntolerance = -1", "not below 0"),
    (NUMBER, "value = 5", "value = 5\ntolerance = 1", "lies within the tolerance of the right value"),
    (NUMBER, 'why = "That is the product."', "", "wrong 1: why is missing"),
    (ORDER, "[2, 0, 1]", "[2, 0, 0]", "expected each number from 0 to 2 once"),
    (ORDER, "[2, 0, 1]", "[0, 1, 2]", "shown is the right order already"),
    (ORDER, '"one", "two", "three"', '"one", "two"', "at least three texts"),
    (ORDER, 'hint = "Which is the smallest?"', "", "hint is missing"),
]


@pytest.mark.parametrize(("text", "old", "new", "message"), BROKEN)
def test_a_wrong_file_is_refused_with_its_place(text: str, old: str, new: str, message: str) -> None:
    assert text.count(old) == 1
    with pytest.raises(QuizError, match=r"^x\.toml") as caught:
        read(text.replace(old, new), "x.toml")
    assert message in str(caught.value)


def test_an_id_stands_once() -> None:
    twice = CHOICE + CHOICE.partition("\n[[question]]")[1] + CHOICE.partition("\n[[question]]")[2]
    with pytest.raises(QuizError, match="'one-and-one' stands twice"):
        read(twice, "x.toml")


def test_several_may_be_right_if_the_file_says_so() -> None:
    several = CHOICE.replace('"1 + 1 = ?"', '"1 + 1 = ?"\nseveral = true').replace(
        'why = "That', 'right = true\nwhy = "That'
    )
    _, (question,) = read(several, "x.toml")
    assert [option.right for option in question.options] == [True, True]
    with pytest.raises(QuizError, match="0 options are right; expected at least one"):
        read(several.replace("right = true\n", ""), "x.toml")


@pytest.mark.parametrize("name", ["cnns/nothing", "", 3, "../questions"])
def test_a_name_that_does_not_exist_is_refused(name: Any) -> None:
    with pytest.raises(QuizError, match="There is no quiz"):
        quiz(name)


def test_markup_cannot_bring_html_in() -> None:
    assert marked_up("<b>*x*</b> & `<i>`") == "&lt;b&gt;<em>x</em>&lt;/b&gt; &amp; <code>&lt;i&gt;</code>"
    assert "<script" not in marked_up("<script>alert(1)</script>")
    assert marked_up("a * b * c") == "a * b * c"
    assert plain("`a` and *b*_{1}") == "a and b_1"


# --- What stands on the page --------------------------------------------------------------------------------------------


class Reader(HTMLParser):
    """Collects what a reader without scripts sees, and the elements."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.elements, self.hidden = "", [], 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.hidden += tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self.hidden -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        self.text += "" if self.hidden else data


def shown(text: str) -> str:
    """Return a text of a quiz as a reader sees it."""
    return Reader(marked_up(text)).text


@pytest.mark.parametrize("name", names())
def test_questions_can_be_read_without_scripts_and_no_answer_can(name: str) -> None:
    made = quiz(name)
    html = made._repr_html_()
    page = Reader(html)
    explained = []
    for question in made.questions:
        assert shown(question.text) in page.text
        options = getattr(question, "options", ())
        assert all(shown(option.text) in page.text for option in options)
        explained += [option.why for option in options] or [question.why, getattr(question, "hint", question.why)]
        explained += [why for _, why in getattr(question, "wrong", ())]
    for hidden in explained:
        assert shown(hidden) not in page.text and shown(hidden) not in repr(made) and marked_up(hidden) not in html
    assert "checked by a script" in page.text
    assert not any({"checked", "selected"} & attributes.keys() for _, attributes in page.elements)
    assert sum(tag == "fieldset" for tag, _ in page.elements) == sum(tag == "legend" for tag, _ in page.elements)
    inputs = [attributes for tag, attributes in page.elements if tag == "input"]
    assert len({attributes["name"] for attributes in inputs}) == sum(not isinstance(q, Order) for q in made.questions)


@pytest.mark.parametrize("name", names())
def test_a_quiz_is_small_asks_nothing_of_the_network_and_is_always_the_same(name: str) -> None:
    html = quiz(name)._repr_html_()
    assert html == quiz(name)._repr_html_() and len(html) < 20_000
    assert not re.search(r"https?:|//[a-z]|\bsrc=|fetch\(|import\(", html)


def texts_in(part: Any) -> Iterator[str]:
    """Yield all texts of a quiz file."""
    if isinstance(part, str):
        yield part
    elif isinstance(part, dict | list):
        for inner in part.values() if isinstance(part, dict) else part:
            yield from texts_in(inner)


@pytest.mark.parametrize("name", names())
def test_no_mark_is_left_over_in_what_is_shown(name: str) -> None:
    for text in texts_in(tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))):
        shown = re.sub(r"<code>.*?</code>", "", marked_up(text))
        assert not re.search(r"[*`]", shown), f"{name}: {text}"


def test_an_answer_to_another_wording_is_forgotten() -> None:
    def keys(text: str) -> list[str]:
        _, questions = read(text, "x.toml")
        html = type(quiz(names()[0]))("x/y", "X", questions)._repr_html_()
        encoded = re.search(r'currentScript, "([^"]+)"', html)[1]
        return [answer["key"] for answer in json.loads(base64.b64decode(encoded))]

    assert keys(CHOICE) == keys(CHOICE) != keys(CHOICE.replace("three", "four"))


# --- The course's quizzes -----------------------------------------------------------------------------------------------


def test_right_answers_do_not_always_stand_in_one_place() -> None:
    choices = [q for name in names() for q in quiz(name).questions if isinstance(q, Choice) and not q.several]
    places = [[option.right for option in question.options].index(True) for question in choices]
    assert max(places.count(place) for place in set(places)) <= 0.6 * len(places)


def test_the_right_option_is_not_always_the_longest() -> None:
    choices = [q for name in names() for q in quiz(name).questions if isinstance(q, Choice) and not q.several]
    longest = [max(question.options, key=lambda option: len(option.text)).right for question in choices]
    assert sum(longest) <= 0.6 * len(longest)


def notebook_sources(part: str) -> dict[str, str]:
    """Return the code of each chapter page of a part."""
    found = {}
    for path in sorted((ROOT / "chapters" / part).glob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        found[path.stem] = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    return found


@pytest.mark.parametrize("part", sorted({name.split("/")[0] for name in names()}))
def test_every_chapter_of_a_part_with_quizzes_has_its_own_quiz_once(part: str) -> None:
    used = {page: re.findall(r'\bquiz\("([^"]+)"\)', code) for page, code in notebook_sources(part).items()}
    assert used == {page: [f"{part}/{page}"] for page in used}
    assert sorted(f"{part}/{page}" for page in used) == [name for name in names() if name.startswith(f"{part}/")]


@pytest.mark.parametrize("name", names())
def test_a_quiz_has_four_to_six_questions(name: str) -> None:
    assert 4 <= len(quiz(name).questions) <= 6
    tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", names())
def test_every_answer_gets_an_explanation_and_not_only_a_no(name: str) -> None:
    made = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    for question in made["question"]:
        said = [("Right. ", question.get("why", "x" * 30))]
        said += [("Right. " if part.get("right") else "Not right. ", part["why"]) for part in question.get("option", [])]
        said += [("Not right. ", part["why"]) for part in question.get("wrong", [])]
        short = [first + why for first, why in said if len(first + why) <= 30]
        assert short == []


def out(n: int, k: int, s: int = 1, p: int = 0) -> int:
    """Count the windows on a row, one by one."""
    return sum(1 for start in range(-p, n + p) if (start + p) % s == 0 and start + k <= n + p)


def field(layers: list[tuple[int, int]], size: int = 64) -> int:
    """Measure a receptive field: how many of the input's numbers change one unit."""
    seen = [{place} for place in range(size)]
    for k, s in layers:
        seen = [set().union(*seen[start : start + k]) for start in range(0, len(seen) - k + 1, s)]
    return len(seen[len(seen) // 2])


def neuron(w: Any, b: float, x: Any) -> float:
    """Return a ReLU neuron's answer."""
    return max(0.0, float(np.dot(w, x)) + b)


def slope(function: Callable[[float], float], at: float) -> float:
    """Return a derivative by differences."""
    return (function(at + 1e-6) - function(at - 1e-6)) / 2e-6


def cross_entropy(z: np.ndarray, y: int) -> float:
    return float(np.log(np.exp(z).sum()) - z[y])


def gradient_of_logit(p: list[float], y: int, k: int) -> float:
    z = np.log(p)
    return slope(lambda value: cross_entropy(np.where(np.arange(len(z)) == k, value, z), y), float(z[k]))


LAPLACE = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]])
WINDOW = np.array([[5, 5, 5], [5, 2, 5], [5, 5, 5]])
VERIFY: dict[str, Callable[[], float]] = {
    "transfer/text-transfer#padded-mean": lambda: np.mean([0.6] * 8 + [0.0] * 32),
    "cnns/images-as-tensors#numbers-in-batch": lambda: np.zeros((32, 28, 28, 1)).size,
    "cnns/images-as-tensors#filter-by-hand": lambda: (LAPLACE * WINDOW).sum(),
    "cnns/convolution-layers#rows-out": lambda: out(64, 5, 2, 1),
    "cnns/convolution-layers#parameters": lambda: np.zeros((3, 3, 16, 32)).size + np.zeros(32).size,
    "cnns/convolution-layers#field": lambda: field([(3, 1), (3, 1), (2, 2), (3, 1)]),
    "cnns/pooling#rows-left": lambda: out(15, 2, 2),
    "cnns/pooling#average-gradient": lambda: 8 * slope(lambda x: float(np.mean([x, 1, 1, 3])), 7.0),
    "cnns/landmark-networks#grouped-weights": lambda: 2 * np.zeros((3, 3, 32, 64)).size,
    "cnns/landmark-networks#flop": lambda: sum(4.1 for _ in ("product", "sum")),
    "transfer/choosing-a-model#pairs": lambda: np.mean(np.sign([3 - 4, 3 - 2, 3 - 1, 4 - 2, 4 - 1, 2 - 1])),
    "rnns/sequence-classification#careless-mean": lambda: np.mean([0.8] * 10 + [0.0] * 30),
    "rnns/sequence-classification#standard-error": lambda: 100 * np.std([1.0] * 9 + [0.0]) / np.sqrt(400),
    "rnns/through-time#linear-steps": lambda: np.linalg.norm(np.linalg.matrix_power(0.5 * np.eye(2), 4), 2),
    "rnns/through-time#clip-length": lambda: 3 * min(1, 1 / np.linalg.norm([3, 4])),
    "cnns/depth-and-shortcuts#shrinking": lambda: 1 / np.prod([0.5] * 10),
    "cnns/depth-and-shortcuts#bottleneck": lambda: sum(
        np.zeros((k, k, i, o)).size for k, i, o in ((1, 256, 64), (3, 64, 64), (1, 64, 256))
    ),
    "cnns/classifier-head#dense-parameters": lambda: np.zeros((np.zeros((4, 4, 32)).size, 10)).size + 10,
    "cnns/classifier-head#loss-quarter": lambda: -math.log(0.25),
    "cnns/classifier-head#gradient-true": lambda: gradient_of_logit([0.7, 0.2, 0.1], 1, 1),
    "cnns/training-loop#steps": lambda: 8 * len(range(0, 3500, 100)),
    "cnns/fast-fit#pages": lambda: np.zeros((1024, 1024), np.float32).nbytes / 4096,
    "cnns/debugging#first-loss": lambda: float(np.log(np.unique(range(20)).size)),
    "cnns/detection#shifted-box": lambda: iou(np.array([[0, 0, 4, 4]]), np.array([[1, 0, 5, 4]]))[0, 0],
    "cnns/detection#head-size": lambda: np.zeros((13, 13, 3, 1 + 4 + 20)).size,
    "cnns/segmentation#dice-from-iou": lambda: 2 * len({1, 2, 3, 4} & {2, 3, 4, 5}) / (4 + 4),
    "cnns/segmentation#rows-out": lambda: max(2 * i + 4 for i in range(16)) - 1 - 1,
    "cnns/reading-results#precision": lambda: np.mean(np.repeat([1.0, 0.0], [40, 10])),
    "cnns/reading-results#images": lambda: next(n for n in range(500, 10**5) if n**-0.5 <= 500**-0.5 / 2),
    "cnns/reading-results#gap": lambda: abs(0.9 - np.mean(np.repeat([1.0, 0.0], [32, 8]))),
    "cnns/generating-images#kl-number": lambda: np.mean(np.square(np.array([-1.0, 1.0]) + 3) - 1) / 2,
    "cnns/generating-images#even-game": lambda: sum(cross_entropy(np.zeros(2), k) for k in (0, 1)),
    "cnns/looking-inside#cam": lambda: max(0.0, float(np.dot([0.5, -1], [6, 2]))),
    "cnns/looking-inside#runs": lambda: len(range(0, 10 - 4 + 1, 2)) ** 2,
    "gpus/roofline#relu": lambda: 1 / (2 * np.zeros(1, np.float32).nbytes),
    "gpus/roofline#ridge": lambda: 20e12 / 500e9,
    "cnns/neurons-and-gradients#neuron-by-hand": lambda: neuron((2, -1), -3, (1, 4)),
    "cnns/neurons-and-gradients#one-step": lambda: 1 - 0.05 * slope(lambda w: (w * 3 - 6) ** 2, 1.0),
    "gpus/specification-sheet#peak": lambda: sum(2 * 1.5e9 for _ in range(40) for _ in range(64)) / 1e12,
    "gpus/specification-sheet#pins": lambda: np.packbits(np.zeros(192 * 21, np.uint8)).nbytes,
    "gpus/specification-sheet#share": lambda: 100 * 20 / 80,
    "gpus/families#growth": lambda: math.exp(math.log(800 / 100) / 3),
    "gpus/families#watts": lambda: (1000 / 800) / (125 / 300),
    "gpus/why-gpus#outputs": lambda: (np.zeros((64, 576)) @ np.zeros((576, 10))).size,
    "gpus/why-gpus#ceiling": lambda: 1 / (0.2 + 0.8 / 1e12),
    "gpus/inside-a-card#pcie": lambda: sum(8e9 * 128 / 130 for _ in range(8)) / 8 / 1e9,
    "gpus/inside-a-card#memory": lambda: sum(14e9 / 8 for _ in range(256)) / 1e9,
    "gpus/energy#watt-hours": lambda: np.trapezoid([400.0] * 91, np.arange(91) * 60) / 3600,
    "gpus/energy#grams": lambda: sum(300 for _ in range(5)) + sum(60 for _ in range(5)),
    "gpus/predicting#two-operators": lambda: 1e3 * sum(max(w / 10e12, q / 500e9) for w, q in ((1e11, 1e9), (0, 2e9))),
    "gpus/predicting#adam": lambda: 4 * np.zeros(350_000_000 // 1000, np.float32).nbytes * 1000 / 1e9,
    "gpus/choosing#batch": lambda: max(n for n in range(100) if 4 + 0.5 * n <= 16),
    "gpus/choosing#hours": lambda: next(t for t in range(10**5) if 900 + t * 0.5 * 0.4 <= t * 0.5),
    "gpus/nvidia-and-amd#factor": lambda: max(80 / 100, 100 / 80),
    "gpus/nvidia-and-amd#reached": lambda: np.subtract(*np.multiply((800, 1000), (0.8, 0.6))),
    "cnns/learning-rates#largest-rate": lambda: max(e for e in np.arange(1, 999) / 1000 if abs(1 - 10 * e) <= 1),
    "cnns/learning-rates#steps-left": lambda: 10 * len(range(0, 6400, 128)),
    "cnns/overfitting#scaled": lambda: 3 / (1 - 0.25),
    "cnns/overfitting#target": lambda: 1 - sum(0.2 / 5 for _ in range(4)),
    "cnns/speed-run#time": lambda: 1 + sum(3500 / 5000 for _ in range(5)),
    "cnns/speed-run#seeds": lambda: next(n for n in range(1, 99) if 2 * math.hypot(0.4, 0.4) / n**0.5 <= 0.4 + 1e-12),
    "cnns/leaderboard#chance": lambda: 100 * np.mean(np.eye(10)),
    "transfer/fine-tuning#first-stage": lambda: np.prod([0.01] + [0.5 for _ in range(5)]),
    "transfer/fine-tuning#adapter": lambda: np.zeros((100, 4)).size + np.zeros((4, 50)).size,
    "transfer/featurizers#hog-length": lambda: len(range(0, 64 - 8, 8)) ** 2 * np.zeros((2, 2, 9)).size,
    "transfer/featurizers#cosine": lambda: np.dot([3, 4], [4, 3]) / (np.hypot(3, 4) * np.hypot(4, 3)),
    "rnns/sequences#parameters": lambda: sum(np.zeros(s).size for s in ((20, 10), (20, 20), (20,))),
    "rnns/any-length#lstm-parameters": lambda: 4 * sum(np.zeros(s).size for s in ((8, 32), (32, 32), (32,))),
    "rnns/any-length#packed-third": lambda: sum(np.array([7, 2, 4, 4, 3]) >= 3),
    "rnns/lstm#one-step": lambda: np.dot([0.5, 0.25], [4, -1]),
    "rnns/lstm#parameters": lambda: sum(np.zeros((20, n)).size for n in (10, 20, 1) for _ in "ifgo"),
    "rnns/gru#mixture": lambda: np.average([0.8, -0.4], weights=[0.75, 0.25]),
    "rnns/gru#parameters": lambda: sum(np.zeros((20, n)).size for n in (10, 20, 1) for _ in "rzn"),
    "rnns/recurrence-on-gpus#rounds": lambda: max(t + layer for t in range(1, 101) for layer in range(3)),
    "rnns/recurrence-on-gpus#intensity": lambda: 2 * 8 * 8 / np.zeros((8, 8), np.float32).nbytes,
    "rnns/attention#weight": lambda: np.exp([0, 0, np.log(2)])[2] / np.exp([0, 0, np.log(2)]).sum(),
    "rnns/attention#table": lambda: np.zeros((8, 1024, 1024), np.int8).size / 1e6,
    "rnns/language-models#bits": lambda: -np.log2([1 / 2, 1 / 4, 1 / 8, 1 / 8]).mean(),
    "rnns/language-models#per-word": lambda: 2 ** (5 * 2),
    "rnns/language-models#ratio": lambda: np.exp(np.log(4) / 0.5),
    "rnns/forecasting#windows": lambda: len(np.lib.stride_tricks.sliding_window_view(np.zeros(100), 12 + 3)),
    "rnns/forecasting#mase": lambda: np.mean([2, 5]) / np.abs(np.diff([2, 4, 3, 7])).mean(),
    "rnns/forecasting#gap": lambda: max(i for i in range(500) if max(range(i + 24, i + 30)) < 500 + 24),
    "transfer/pretrained-models#normalized-pixel": lambda: (0.9 - 0.5) / 0.2,
    "transfer/pretrained-models#new-head": lambda: np.zeros((512, 10)).size + np.zeros(10).size,
    "transfer/limits#spring": lambda: np.average([4, 1], weights=[1, 0.5]),
    "transfer/four-cases#distance": lambda: abs(np.mean([1, 2]) - 0.5) / np.sqrt(0.25),
    "transfer/why-transfer#equivalent": lambda: np.exp(np.interp(0.6, [0.5, 0.7], np.log([20, 80]))),
    "transfer/why-transfer#watt-hours": lambda: 90 * 4 / 3600 * 1000,
    "transfer/cost-of-reuse#break-even": lambda: next(n for n in range(1, 99) if n * 2 >= 30 + n * 0.5),
    "transfer/feature-extraction#first-dense": lambda: np.zeros((4 * 4 * 100, 10)).size + np.zeros(10).size,
    "transfer/feature-extraction#times-faster": lambda: sum(9 + 1 for _ in range(11)) / (9 + sum(1 for _ in range(11))),
    "transfer/cost-of-reuse#operations": lambda: sum(1e6 * 3 * 2e9 / 20e12 for _ in range(10)),
}
# Wrong values that come from a mistake: the mistake is made here, so that the explanation speaks of what happened.
MISTAKES: dict[str, list[float]] = {
    "transfer/text-transfer#padded-mean": [0.6, 0.6 * 40 / 8],
    "transfer/feature-extraction#first-dense": [4 * 4 * 100 * 10, (100 + 1) * 10],
    "transfer/feature-extraction#times-faster": [11 * (9 + 1) / (9 + 1), (9 + 1) / 1],
    "cnns/images-as-tensors#numbers-in-batch": [28 * 28, 32 * 28 * 28 * 3],
    "cnns/images-as-tensors#filter-by-hand": [8 * 5 - 4 * 2, 4 * 5 + 4 * 2, 0],
    "cnns/convolution-layers#rows-out": [(64 + 2 - 5) / 2, (64 + 2 - 5) // 2, 64 / 2],
    "cnns/convolution-layers#parameters": [9 * 16 * 32, (9 + 1) * 32, 9 * 16 * 32 + 16],
    "cnns/convolution-layers#field": [6 + 2, field([(3, 1)] * 3), 5 + 1 * 2 + 2 * 2],
    "cnns/pooling#rows-left": [math.ceil(15 / 2), 15 / 2],
    "cnns/pooling#average-gradient": [8, 7 * 8 / 4, np.mean([7, 1, 1, 3])],
    "cnns/landmark-networks#grouped-weights": [9 * 64 * 128, 9 * 32 * 64],
    "cnns/landmark-networks#flop": [4.1, 4.1 / 2],
    "transfer/fine-tuning#first-stage": [0.01 * 0.5**4, 0.01 / 5],
    "transfer/fine-tuning#adapter": [100 * 50 * 4, 100 + 50],
    "transfer/featurizers#hog-length": [64 * 9, 64 * 36],
    "transfer/featurizers#cosine": [3 * 4 + 4 * 3, 24 / 5],
    "transfer/choosing-a-model#pairs": [5 / 6, 2 / 4],
    "rnns/sequence-classification#careless-mean": [0.8, 0.8 * 30 / 40],
    "rnns/sequence-classification#standard-error": [100 * 0.9 * 0.1 / 400, 100 * np.sqrt(0.9 * 0.1)],
    "rnns/through-time#linear-steps": [0.5**3, 4 * 0.5],
    "rnns/through-time#clip-length": [np.clip(3, -1, 1), 3 / (3**2 + 4**2), 3 / (3 + 4)],
    "cnns/depth-and-shortcuts#shrinking": [2 * 10, 0.5 * 10],
    "cnns/depth-and-shortcuts#bottleneck": [256 * 64 + 9 * 64 * 64, 2 * 9 * 256 * 256],
    "cnns/classifier-head#dense-parameters": [512 * 10, 32 * 10 + 10],
    "cnns/classifier-head#loss-quarter": [1 - 0.25, math.log(0.25), -math.log2(0.25), -math.log10(0.25)],
    "cnns/classifier-head#gradient-true": [0.2, 1 - 0.2, 0.7 - 1],
    "cnns/training-loop#steps": [35, 3500 * 8],
    "cnns/fast-fit#pages": [1024 * 1024 / 4096, 1024 * 1024 * 4],
    "cnns/debugging#first-loss": [19 / 20, math.log10(20), math.log2(20)],
    "cnns/detection#shifted-box": [3 * 4 / (4 * 4), 3 * 4 / (4 * 4 + 4 * 4)],
    "cnns/detection#head-size": [13 * 13 * (5 + 20), 13 * 13 * 3 * 20],
    "cnns/segmentation#dice-from-iou": [3 / (3 + 4), 2 * 3 / 5],
    "cnns/segmentation#rows-out": [15 * 2 + 4, out(16, 4, 2, 1), 15 * 2 + 4 + 2],
    "cnns/speed-run#time": [5 * 3500 / 5000, 1 + 3500 / 5000],
    "cnns/speed-run#seeds": [2**2, 2],
    "cnns/leaderboard#chance": [0, 100 / 2],
    "cnns/reading-results#precision": [round(40 / 60, 4), 10 / 50],
    "cnns/reading-results#images": [2 * 500],
    "cnns/reading-results#gap": [32 / 40, 0.9 * 40 - 32],
    "cnns/generating-images#kl-number": [3**2, 3, (3**2 + 1) / 2],
    "cnns/generating-images#even-game": [math.log(2), -math.log(1.0), 0.5 + 0.5],
    "cnns/looking-inside#cam": [0.5 * 6, 0.5 * 6 + 2],
    "cnns/looking-inside#runs": [(10 // 2) ** 2, (10 - 4 + 1) ** 2],
    "gpus/roofline#relu": [1 / 4, 8],
    "gpus/roofline#ridge": [20 / 500, 500e9 / 20e12],
    "cnns/neurons-and-gradients#neuron-by-hand": [2 - 4 - 3, 2 - 4 + 3],
    "cnns/neurons-and-gradients#one-step": [1 - 0.05 * 18, 1 + 0.05 * 9, 1 + 0.05 * 2 * 3],
    "gpus/specification-sheet#peak": [40 * 64 * 1.5e9 / 1e12, 2 * 40 * 64 * 1.5],
    "gpus/specification-sheet#pins": [192 * 21, 2 * 192 * 21 / 8],
    "gpus/specification-sheet#share": [100 - 100 * 20 / 80, 100 * 80 / 20],
    "gpus/families#growth": [800 / 100, 800 / 100 / 3],
    "gpus/families#watts": [1000 / 125, 800 / 300],
    "gpus/why-gpus#outputs": [10, 576 * 10, 64 * 576 * 10],
    "gpus/why-gpus#ceiling": [1000, 1 / (1 - 0.2), 0.8 * 1000],
    "gpus/inside-a-card#pcie": [8 * 8 * 128 / 130, 2 * 8 * 8 * 128 / 130 / 8, 8 * 8 / 8],
    "gpus/inside-a-card#memory": [256 * 14, 2 * 256 * 14 / 8, 256 / 14],
    "gpus/energy#watt-hours": [400 * 90, 400 / 1.5, 400 * 90 * 60],
    "gpus/energy#grams": [5 * 300, 5 / 1.2 * 300, 5 * 0.2 * 300],
    "gpus/predicting#two-operators": [1e3 * max(1e11 / 10e12, 3e9 / 500e9), 1e3 * (1e11 / 10e12 + 3e9 / 500e9)],
    "gpus/predicting#adam": [350e6 * 4 / 1e9, 350e6 * 12 / 1e9],
    "gpus/choosing#batch": [16 / 0.5, 16 // (4 + 0.5)],
    "gpus/choosing#hours": [900 / 0.5, 900 / (0.5 + 0.5 * 0.4)],
    "gpus/nvidia-and-amd#factor": [1 - 80 / 100, 100 - 80],
    "gpus/nvidia-and-amd#reached": [80 - 60, 1000 - 800],
    "cnns/learning-rates#largest-rate": [1 / 10, 2 / 5],
    "cnns/learning-rates#steps-left": [10 * 6400 // 32, 6400 // 128],
    "cnns/overfitting#scaled": [3, 3 / 0.25, 3 * 0.75],
    "cnns/overfitting#target": [1 - 0.2, 0.2 / 5],
    "rnns/sequences#parameters": [20 * (10 + 1), 20 * (10 + 20), 20 * (10 + 20 + 2)],
    "rnns/any-length#lstm-parameters": [32 * (8 + 32 + 1), 4 * 32 * (8 + 32 + 2), 4 * 32 * (8 + 1)],
    "rnns/any-length#packed-third": [5, sum(np.array([7, 2, 4, 4, 3]) > 3)],
    "rnns/lstm#one-step": [0.5 * 4 + 0.25, 4 - 0.25, 0.5 * 4 - 1],
    "rnns/lstm#parameters": [20 * 31, 4 * 20 * 30, 4 * 20 * 11],
    "rnns/gru#mixture": [0.25 * 0.8 + 0.75 * -0.4, 0.75 * 0.8 - 0.4, 0.75 * 0.8 + 0.25 * 0.4],
    "rnns/gru#parameters": [4 * 20 * 31, 2 * 20 * 31, 20 * 31],
    "rnns/recurrence-on-gpus#rounds": [3 * 100, 100, 100 + 3],
    "rnns/recurrence-on-gpus#intensity": [2, 1 / 4, 2 / 2],
    "rnns/attention#weight": [1, math.log(2), 1 / 3],
    "rnns/attention#table": [1024 * 1024 / 1e6, 8 * 1024 / 1e6],
    "rnns/language-models#bits": [1 + 2 + 3 + 3, -math.log2((1 / 2 + 1 / 4 + 1 / 8 + 1 / 8) / 4)],
    "rnns/language-models#per-word": [2**2, 2**2 * 5, 2**5],
    "rnns/language-models#ratio": [4 / 0.5, math.exp(math.log(4) * 0.5)],
    "rnns/forecasting#windows": [100 - 15, 100 - 12, 100 // 15],
    "rnns/forecasting#mase": [3.5 / np.mean(np.diff([2, 4, 3, 7])), 3.5 / (7 / 4), 3.5 / np.mean([2, 4, 3, 7])],
    "rnns/forecasting#gap": [500 - 1, 500 - 24 - 6, 500 - 6 - 1],
    "transfer/pretrained-models#normalized-pixel": [0.9 / 0.2 - 0.5, (0.9 - 0.5) * 0.2, 0.9 - 0.5],
    "transfer/pretrained-models#new-head": [512 * 10, 512 * 10 + 512],
    "transfer/limits#spring": [4 - 0.5 * (4 - 1), (4 + 2 * 1) / (1 + 2)],
    "transfer/four-cases#distance": [(1.5 - 0.5) / 0.25, 1.5 - 0.5],
    "transfer/why-transfer#equivalent": [np.mean([20, 80]), 40 - 10, 40 / 10],
    "transfer/why-transfer#watt-hours": [90 * 4, 90 * 4 / 3600, 90 / 60 * 4],
    "transfer/cost-of-reuse#break-even": [30 / 2, 30 / 0.5, 30 / (2 + 0.5)],
    "transfer/cost-of-reuse#operations": [1e7 * 2e9 / 20e12, 1e6 * 6e9 / 20e12, 3000 / 1000],
}
NUMBERS = {f"{name}#{q.id}": q for name in names() for q in quiz(name).questions if isinstance(q, Number)}


def test_every_number_has_a_computation_and_every_computation_a_question() -> None:
    assert NUMBERS.keys() == VERIFY.keys() == MISTAKES.keys()


@pytest.mark.parametrize("name", sorted(NUMBERS))
def test_a_number_is_what_a_computation_gives(name: str) -> None:
    question = NUMBERS[name]
    assert abs(VERIFY[name]() - question.value) <= max(question.tolerance, 1e-6)


@pytest.mark.parametrize("name", sorted(NUMBERS))
def test_a_wrong_number_comes_from_its_mistake(name: str) -> None:
    assert [value for value, _ in NUMBERS[name].wrong] == pytest.approx(MISTAKES[name], abs=1e-3)
