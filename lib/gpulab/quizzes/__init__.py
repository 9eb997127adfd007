"""Short quizzes at the end of a chapter: multiple choice, numbers and orders, each answer with an explanation.

A quiz is one TOML file, such as ``cnns/pooling.toml``. It is alive in a notebook and in the built book, with no kernel
and no network, and keeps its results in the reader's own browser.

>>> from gpulab.quizzes import quiz
>>> quiz("cnns/pooling").title
'Pooling layers'
"""

from __future__ import annotations

from gpulab.quizzes.page import Quiz, names, quiz
from gpulab.quizzes.questions import Choice, Number, Option, Order, QuizError, read

__all__ = ["Choice", "Number", "Option", "Order", "Quiz", "QuizError", "names", "quiz", "read"]
