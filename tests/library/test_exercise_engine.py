"""The engine below the checks: whatever a learner hands in, there is one clear answer, and the notebook goes on."""

from __future__ import annotations

import html
import re
import selectors
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from gpulab.exercises import Verdict, check, engine
from gpulab.exercises import cases as building
from gpulab.exercises.cases import Case, Mistake, called, plotted, value
from gpulab.exercises.compare import Array, AtLeast, Filled, Integer, Number, OneOf, Pair, Shape, alike
from gpulab.exercises.engine import Exercise, examine

HINT = "the general hint"


def judge(cases: Iterator[Case], **settings: Any) -> Verdict:
    """Return the verdict on cases, as of an exercise that nobody registered."""
    found = Exercise("test/one", "function", "a function", lambda _: iter(()), **settings)
    return examine(found, list(cases))


def doubled(function: Any, *numbers: Any, mistakes: tuple[Mistake, ...] = ()) -> Iterator[Case]:
    """Yield cases of a function that should double a number."""
    for n in numbers or (1, 2, 5):
        yield from called(function, (n,), Integer(2 * n), name="double", mistakes=mistakes, hint=HINT)


def test_the_first_failing_case_is_told() -> None:
    verdict = judge(doubled(lambda n: 2 * n if n < 5 else 9))
    assert verdict.text.split("\n")[1:] == ["`double(5)` returns `9`, which is not right.", f"Hint: {HINT}"]


def test_where_two_mistakes_fit_the_first_failure_the_later_cases_decide() -> None:
    mistakes = (Mistake("the square", gives=lambda n: n * n), Mistake("always one", gives=lambda n: 1))
    assert judge(doubled(lambda n: 1, 1, 5, mistakes=mistakes)).hint == "always one"
    assert judge(doubled(lambda n: n * n, 1, 5, mistakes=mistakes)).hint == "the square"
    assert judge(doubled(lambda n: 7, 1, 5, mistakes=mistakes)).hint == HINT


def test_an_error_is_told_in_one_line_with_the_line_of_the_learners_code() -> None:
    def fails(n: int) -> float:
        return n / 0

    line = fails.__code__.co_firstlineno + 1
    assert judge(doubled(fails)).message == (
        f"`double(1)` stops with ZeroDivisionError: division by zero, in line {line} of your code: `return n / 0`."
    )


def test_an_error_inside_a_library_names_the_learners_line() -> None:
    verdict = judge(doubled(lambda n: np.linalg.inv(np.zeros((2, 3)))))
    assert "LinAlgError" in verdict.message and "np.linalg.inv(np.zeros((2, 3)))" in verdict.message


def test_addresses_and_long_messages_stay_out() -> None:
    def fails(n: int) -> None:
        text = f"{object()}" + "x" * 500 + "\nmore"
        raise ValueError(text)

    message = judge(doubled(fails)).message
    assert "0x" not in message and "more" not in message and len(message) < 400


@pytest.mark.parametrize("error", [SystemExit, RecursionError, MemoryError, AssertionError])
def test_no_error_of_the_learner_comes_through(error: type[BaseException]) -> None:
    def fails(n: int) -> None:
        raise error

    assert error.__name__ in judge(doubled(fails)).message


def test_an_interruption_by_the_learner_comes_through() -> None:
    def interrupted(n: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        judge(doubled(interrupted))


def test_not_implemented_is_no_answer_but_a_librarys_is_an_error() -> None:
    def stub(n: int) -> None:
        raise NotImplementedError

    assert not judge(doubled(stub)).answered
    compiled = judge(doubled(lambda n: np.random.BitGenerator()))
    written = judge(doubled(lambda n: selectors.BaseSelector.register(None, 1, 2)))
    assert compiled.answered and "NotImplementedError" in compiled.message
    assert written.answered and "NotImplementedError" in written.message


def test_a_placeholder_that_the_answer_calls_is_named() -> None:
    def helper(n: int) -> int:
        raise NotImplementedError()

    def answer(n: int) -> int:
        return 2 * helper(n)

    verdict = judge(doubled(answer))
    assert verdict.answered and not verdict.passed
    assert verdict.text.split("\n")[1:] == [
        "Your answer calls `helper`, which is not written yet.",
        "Hint: Write `helper` first, or do without it.",
    ]


def test_after_an_error_the_hint_tells_what_was_given() -> None:
    images = np.zeros((2, 3))
    cases = called(lambda x, k: x @ x, (images, 4), Integer(1), name="f", hint=HINT, label="The sum of it", verb="is")
    verdict = judge(cases)
    assert verdict.message.startswith("The sum of it cannot be computed: the code stops with ValueError: ")
    assert verdict.hint.startswith("Call `f` in a cell of its own, with an array of shape (2, 3) and `4`")
    assert judge(doubled(lambda n: n / 0)).hint == "Try this input in a cell of its own."


def test_a_result_with_a_verb_of_its_own_may_be_missing_too() -> None:
    cases = called(lambda x: None, (1,), Integer(1), name="f", hint=HINT, label="The weights", verb="are")
    verdict = judge(cases)
    assert verdict.message == "The weights: the function returns nothing." and "return" in verdict.hint


def test_an_error_message_with_a_full_stop_gets_no_second_one() -> None:
    def fails(n: int) -> int:
        raise ValueError("It is too large.")

    message = judge(doubled(fails)).message
    assert "too large, in line" in message and ".." not in message


def test_an_endless_loop_is_stopped_and_the_timer_is_left_as_it_was() -> None:
    if not hasattr(signal, "setitimer"):
        pytest.skip("no timer signals on this system")

    def endless(n: int) -> None:
        while True:
            try:
                time.sleep(0.01)
            except Exception:  # noqa: BLE001, S110  what learners write
                pass

    before, start = signal.getsignal(signal.SIGALRM), time.perf_counter()
    verdict = judge(doubled(endless), seconds=0.2)
    assert time.perf_counter() - start < 5
    assert "does not come to an end: it was stopped after 0.2 s" in verdict.message and "loop" in verdict.hint
    assert signal.getsignal(signal.SIGALRM) is before and signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_a_timer_of_somebody_else_is_left_alone() -> None:
    if not hasattr(signal, "setitimer"):
        pytest.skip("no timer signals on this system")
    former = signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, 60)
    try:
        assert judge(doubled(lambda n: 2 * n)).passed
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 50
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)


def test_outside_the_main_thread_there_is_no_limit_and_no_error() -> None:
    verdicts: list[Verdict] = []
    thread = threading.Thread(target=lambda: verdicts.append(judge(doubled(lambda n: 2 * n))))
    thread.start()
    thread.join()
    assert verdicts[0].passed


def test_prints_and_warnings_of_the_learner_are_held_back(capfd: pytest.CaptureFixture[str], recwarn: Any) -> None:
    def loud(n: int) -> int:
        print("thinking")
        np.exp(np.array([1e6]))
        return 2 * n

    assert judge(doubled(loud)).passed
    assert capfd.readouterr() == ("", "") and not recwarn.list


def test_a_function_that_changes_its_argument_is_told_and_cannot_spoil_the_next_case() -> None:
    def in_place(z: np.ndarray) -> np.ndarray:
        z *= 2
        return z

    def cases() -> Iterator[Case]:
        for n in (1.0, 2.0):
            yield from called(in_place, (np.array([n]),), Array([2 * n]), name="double", hint=HINT)

    verdict = judge(cases())
    assert (
        "changes the argument" in verdict.message
        and "copy" in verdict.hint
        and "array of shape (1,)" in verdict.message
    )


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda n: None, "Is a `return` missing?"),
        (lambda n: print(n), "Return it"),
        (lambda n: ..., "is not right|whole number"),
        (lambda n: "2", "a str; a whole number"),
        (lambda n: 2.0 * n, "a float; a whole number"),
        (lambda n: True, "a bool; a whole number"),
        (lambda n: [2 * n], "a list; a whole number"),
        (lambda n: np.array([2]), r"array of shape \(1,\)"),
        (lambda: 2, "takes 0 positional arguments"),
        (3, "an int; a function is asked for"),
    ],
)
def test_wrong_types_are_told(answer: Any, words: str) -> None:
    assert re.search(words, judge(doubled(answer)).text)


class Odd:
    """An object that refuses everything."""

    def __eq__(self, other: object) -> bool:
        raise RuntimeError

    def __array__(self, *_: Any, **__: Any) -> np.ndarray:
        raise RuntimeError

    def __repr__(self) -> str:
        raise RuntimeError

    __hash__ = None


ODD = (Odd(), object(), "text", "", 1j, np.nan, np.inf, [], (), {}, [[1], [1, 2]], np.zeros((2, 2)), Odd, print, "`")


@pytest.mark.parametrize("wanted", [Integer(2), Number(2.5), Shape((2, 3)), Array([1, 2]), OneOf("a", ("a", "b"))])
@pytest.mark.parametrize("answer", ODD, ids=range(len(ODD)))
def test_no_answer_breaks_a_comparison(wanted: Any, answer: Any) -> None:
    verdict = judge(value(answer, wanted, mistakes=[Mistake("m", gives=3)], hint=HINT))
    assert not verdict.passed and verdict.text and verdict._repr_html_()


@pytest.mark.parametrize(
    ("wanted", "good", "bad"),
    [
        (Integer(3), [3, np.int64(3), np.array(3)], [4, -3, 3.0, "3", np.array([3])]),
        (Number(0.5, rel=0.01), [0.5, 0.502, np.float32(0.5)], [0.52, "0.5", None, True, [0.5]]),
        (Number(0.0), [0, 0.0, 1e-12], [1e-3]),
        (Pair((2, 3)), [(2, 3), [2, 3], np.array([2, 3])], [(3, 2), (2, 3, 1), (2.0, 3.0), 6, "23", np.array(6)]),
        (Shape((2, 3)), [(2, 3), [2, 3], np.zeros((2, 3)).shape], [(3, 2), (2, 3, 1), (2.0, 3.0), 6, "23"]),
        (Array([1.0, 2.0]), [[1, 2], np.array([1, 2.0000001])], [[1, 2.1], [[1, 2]], [1], ["1", "2"], [1, np.nan]]),
        (Array([1.0], kind="f"), [np.ones(1)], [np.ones(1, int), np.ones(1, bool)]),
        (Array([np.nan, 1]), [[np.nan, 1]], [[1, 1]]),
        (AtLeast(0.9), [0.9, 1.0], [0.89, float("nan")]),
        (OneOf("memory", ("memory", "arithmetic")), ["Memory ", "memory"], ["arithmetic", "x", 3]),
        (Filled(("epoch",)), ["Epoch", "number of epochs"], ["", " ", "loss"]),
    ],
)
def test_comparisons(wanted: Any, good: list[Any], bad: list[Any]) -> None:
    assert [answer for answer in good if wanted.difference(answer)] == []
    assert [answer for answer in bad if not wanted.difference(answer)] == []


def test_dtype_and_shape_come_before_values() -> None:
    right = Array(np.ones((2, 2)), kind="f")
    assert "dtype int64" in right.difference(np.zeros((3, 3), np.int64)).problem
    assert "shape" in right.difference(np.zeros((3, 3))).problem
    assert "with `0.5` at [0, 1]" in right.difference(np.array([[1, 0.5], [0, 1]])).shown


def test_alike_compares_numbers_and_not_types() -> None:
    assert (
        alike([1, 2], np.array([1.0, 2.0]))
        and not alike([1, 2], [1, 2, 3])
        and not alike("1", 1)
        and not alike(Odd(), 1)
    )


# --- Other kinds ---------------------------------------------------------------------------------------------------


class Line:
    """A line of a plot, as Matplotlib's."""

    def __init__(self, x: Any, y: Any, axes: Any = None) -> None:
        self.x, self.y, self.axes = x, y, axes

    def get_xdata(self) -> Any:
        return self.x

    def get_ydata(self) -> Any:
        return self.y


def drawn(*lines: tuple[Any, Any], xlabel: str = "epoch", ylabel: str = "loss (nats)") -> Any:
    """Return axes of Matplotlib with lines on them."""
    from matplotlib.figure import Figure

    ax = Figure().subplots()
    for x, y in lines:
        ax.plot(x, y)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    return ax


def plot_verdict(answer: Any) -> Verdict:
    steps, losses = [0, 1, 2], [3.0, 2.0, 1.5]
    mistake = Mistake("accuracy is not loss", gives=[0.1, 0.2, 0.3])
    unit = Filled(("nat",), "the unit is missing")
    asked = {"xlabel": ("epoch",), "ylabel": unit, "mistakes": [mistake], "x_hint": "where x begins"}
    return judge(plotted(answer, lines=[("the training loss", steps, losses)], hint=HINT, **asked))


def test_a_plot_passes_as_axes_figure_or_lines() -> None:
    ax = drawn(([0, 1, 2], [3, 2, 1.5]))
    for answer in (ax, ax.figure, ax.get_lines()):
        assert plot_verdict(answer).passed, plot_verdict(answer).text


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: drawn(), "The number of lines is `0`, and more"),
        (
            lambda: drawn(([1, 2, 3], [3, 2, 1.5])),
            "The x data of the training loss is an array of shape (3,) with `1` at [0], which",
        ),
        (lambda: drawn(([3, 2, 1.5], [0, 1, 2])), "x and y are changed over"),
        (lambda: drawn(([1, 2, 3], [3, 2, 1.5])), "Hint: where x begins"),
        (lambda: drawn(([0, 1, 2], [3, 2, 9])), "The y data of the training loss"),
        (lambda: drawn(([0, 1, 2], [0.1, 0.2, 0.3])), "accuracy is not loss"),
        (lambda: drawn(([0, 1], [3, 2])), "not the right shape"),
        (lambda: drawn(([0, 1, 2], [3, 2, 1.5]), xlabel=""), "The label of the x axis is empty."),
        (lambda: drawn(([0, 1, 2], [3, 2, 1.5]), xlabel="loss"), "does not say what is drawn"),
        (lambda: drawn(([0, 1, 2], [3, 2, 1.5]), ylabel="loss"), "`'loss'`: the unit is missing"),
        (lambda: drawn(([0, 1, 2], [3, 2, 1.5]), ylabel=""), "The label of the y axis is empty."),
        (lambda: np, "Your answer is a module; the axes of a plot"),
        (list, "the axes of a plot"),
    ],
)
def test_a_wrong_plot_is_told(make: Callable[[], Any], words: str) -> None:
    verdict = plot_verdict(make())
    assert words in verdict.text, verdict.text


def test_a_repaired_function_that_still_does_what_it_did_is_no_answer() -> None:
    def broken(n: int) -> int:
        if n > 4:
            raise IndexError
        return n

    assert not judge(doubled(lambda n: broken(n)), broken=broken).answered
    assert judge(doubled(lambda n: n), broken=broken).answered
    assert judge(doubled(lambda n: 2 * n), broken=broken).passed


def test_a_repaired_function_is_an_answer_once_its_lines_were_changed() -> None:
    def broken(n: int) -> int:
        """Double a number."""
        return n

    def handed_out(n):  # the same lines
        # a comment, and no docstring
        return n

    def changed(n: int) -> int:
        return n * 1

    found = Exercise("test/one", "repaired", "a function", lambda _: iter(()), broken=broken)
    same, other = (examine(found, list(doubled(answer)), answer) for answer in (handed_out, changed))
    assert not same.answered
    assert other.answered and other.message == "`double(1)` returns `1`, which is not right."


def test_a_case_that_is_no_call_does_not_tell_what_was_handed_out() -> None:
    def broken(n: int) -> int:
        return n

    cases = [*doubled(broken, 1), Case("Twice, the function", lambda: [1, 1], Array([1, 2]), hint=HINT)]
    assert not judge(iter(cases), broken=broken).answered


def test_a_trained_model_is_measured_only_when_it_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    import gpulab.train

    monkeypatch.setattr(gpulab.train, "evaluate", lambda model, data: {"accuracy": model(data)})
    for accuracy, passes in ((0.95, True), (0.5, False)):
        cases = building.trained(
            lambda data, accuracy=accuracy: accuracy, lambda: "data", 0.9, on="the test images", hint=HINT
        )
        verdict = judge(cases)
        assert verdict.passed is passes
    assert verdict.message == "The accuracy on the test images is 50.0 %, and at least 90 % are asked for."


def test_what_is_no_model_is_told_in_one_line() -> None:
    verdict = judge(building.trained([1], lambda: ([[1]], [1]), 0.9, on="the test images", hint=HINT))
    assert "TrainError: The model is a list; expected a torch.nn.Module or a keras.Model" in verdict.message


# --- Names, verdicts -----------------------------------------------------------------------------------------------


def test_an_unknown_name_gets_the_closest_ones() -> None:
    with pytest.raises(ValueError, match="no exercise 'cnn/outputsize'. Did you mean 'cnn/output-size'"):
        check("cnn/outputsize", 3)
    with pytest.raises(ValueError, match="Did you mean"):
        check("zzz", 3)
    with pytest.raises(TypeError, match="name of the exercise"):
        check(print, "cnn/output-size")


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("cnn/one-2", "value", "no name"),
        ("Cnn", "value", "no name"),
        ("cnn/x", "quiz", "no kind"),
        ("cnn/softmax", "value", "two"),
    ],
)
def test_a_bad_registration_is_refused(name: str, kind: Any, words: str) -> None:
    engine.exercises()
    with pytest.raises(ValueError, match=words):
        engine.exercise(name, kind, "something")


@pytest.mark.parametrize("answer", [..., 3, 6])
def test_the_html_says_the_same_words_and_is_announced(answer: Any) -> None:
    verdict = check("cnn/keep-size", answer)
    shown = verdict._repr_html_()
    words = html.unescape(re.sub(r"<[^>]+>", " ", re.sub(r"<span.*?</span>|</?code>", "", shown)))
    assert " ".join(words.replace("</strong> :", ":").split()).replace(" :", ":") == " ".join(
        verdict.text.replace("`", "").split()
    )
    assert 'role="status"' in shown
    assert bool(verdict) is verdict.passed is (answer == 6)


def test_the_learners_text_is_escaped_in_html() -> None:
    shown = check("cnn/keep-size", "<script>alert(1)</script>")._repr_html_()
    assert "<script>" not in shown and "&lt;script&gt;" in shown
