"""The speed run: from the reference recipe to the fastest one that still reaches 97.5 % of the test digits.

- :mod:`~benchmarks.speed_run.recipes`: what is measured, a ladder of recipes with one difference a step.
- :mod:`~benchmarks.speed_run.torch_side`, :mod:`~benchmarks.speed_run.keras_side`: how a recipe is trained.
- :mod:`~benchmarks.speed_run.referee`: measures an entry, a recipe or a file of somebody else's, in a process of its own.
- :mod:`~benchmarks.speed_run.entry`: the child of that process, which runs the entry's code and holds no test labels.

``python -m benchmarks.speed_run`` measures the ladder; ``python -m benchmarks.speed_run.referee FILE`` verifies an entry.
"""
