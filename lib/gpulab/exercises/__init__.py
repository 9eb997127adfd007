'''Exercises that answer at once: ``check("cnn/output-size", output_size)``.

A check says *not answered*, *not right yet* with the smallest case that fails and a hint, or *passed*; it never shows the
right answer. It loads no framework: a check of a trained model finds the learner's already loaded.

Write an exercise
-----------------

1. **The check**: a function in the module of its part (``gpulab/exercises/cnn.py``; a new part goes into ``CONTENT`` in
   ``engine.py``). It yields cases from the smallest to the largest::

       @exercise("cnn/parameters", "function", "a function parameters(k, c_in, c_out)")
       def parameters(answer: Any) -> Iterator[Case]:
           """Count the parameters of a convolution."""
           mistakes = [
               Mistake("Each filter has a bias, too.", gives=lambda k, c_in, c_out: k * k * c_in * c_out),
               Mistake("A filter has two sides.", gives=lambda k, c_in, c_out: (k * c_in + 1) * c_out),
           ]
           for call, right in (((1, 1, 1), 2), ((3, 1, 32), 320), ((3, 32, 64), 18496)):
               yield from called(
                   answer, call, Integer(right), name="parameters", mistakes=mistakes, hint="Count one filter first."
               )

   Right results are written down or computed in another way than the learner would: then the check is a second opinion.
   A mistake carries what it leads to; the engine finds the one that explains the learner's result. The builders of the
   other kinds (a value, a shape, a trained model, a plot, a repaired cell) are listed in ``cases.py``, and what a result
   can be compared with in ``compare.py``.
2. **Its tests**: an entry in ``tests/exercises/answers_cnn.py`` with a solution and at least three typical wrong answers,
   each with words that its hint must contain. ``tests/library/test_exercises.py`` does the rest, and for exercises that
   need a framework ``tests/torch`` and ``tests/keras`` do.
3. **Its cells**: see "Add an exercise" in ``chapters/maintaining.md``.
'''

from __future__ import annotations

from gpulab.exercises.engine import check, exercises
from gpulab.exercises.verdict import Verdict

__all__ = ["Verdict", "check", "exercises"]
