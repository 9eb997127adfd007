"""Keras' side of discriminative rates and gradual unfreezing: optimizers whose update differs from group to group.

Within one ``fit`` Keras compiles once: what is trainable cannot change. So every group is trainable, and a closed one
gets no update: each group has a variable with the step from which on it is open, which a checkpoint keeps.
"""

from __future__ import annotations

from functools import cache
from typing import Any

NEVER = 2**30


@cache
def optimizers() -> tuple[type, type]:
    """Return the optimizers GroupedSGD and GroupedAdam, made when they are asked for: then Keras is needed."""
    import keras
    from keras import ops

    class Grouped:
        """What both optimizers share.

        Attributes
        ----------
        names : list of str
            The groups, the head first.
        gradual : bool
            Whether groups are closed and opened; set before the first step.
        opens_at : list of keras.Variable
            For each group, the number of steps after which it is open.
        """

        def prepare(self, recipe: Any) -> None:
            """Remember the groups."""
            self.recipe = recipe
            self.names = list(recipe.rates)
            self.factors = recipe.factors()
            self.gradual = False

        def build(self, variables: list[Any]) -> None:
            """Make the variables of the optimizer; find each weight's group."""
            if self.built:
                return
            super().build(variables)
            self.group_of = self.recipe.group_of(variables)
            self.opens_at = [
                self.add_variable((), initializer="zeros", dtype="int32", name=f"opens_at_{name}") for name in self.names
            ]

        def close(self, names: set[str]) -> None:
            """Close groups, all others stay open."""
            self.gradual = True
            for name, variable in zip(self.names, self.opens_at, strict=True):
                variable.assign(NEVER if name in names else 0)

        def open(self, names: set[str]) -> None:
            """Open groups from the next step on."""
            for name, variable in zip(self.names, self.opens_at, strict=True):
                if name in names:
                    variable.assign(ops.cast(self.iterations, "int32"))

        def is_open(self, group: int, dtype: str) -> Any:
            """Return 1 where a group takes part in this step, else 0."""
            return ops.cast(ops.cast(self.iterations, "int32") >= self.opens_at[group], dtype)

        def steps(self, group: int, dtype: str) -> Any:
            """Return the number of this step, counted from 1 at the first one after the group was opened."""
            passed = ops.cast(self.iterations, "int32") + 1
            return ops.cast(ops.maximum(passed - self.opens_at[group], 1) if self.gradual else passed, dtype)

        def _backend_apply_gradients(self, grads: list[Any], trainable_variables: list[Any]) -> None:
            """Leave the gradients of closed groups out, before they are clipped."""
            if self.gradual:
                numbers = [self.group_of[self._get_variable_index(variable)] for variable in trainable_variables]
                grads = [
                    ops.convert_to_tensor(grad) * self.is_open(number, grad.dtype)
                    for grad, number in zip(grads, numbers, strict=True)
                ]
            super()._backend_apply_gradients(grads, trainable_variables)

    class GroupedSGD(Grouped, keras.optimizers.SGD):
        """SGD with a momentum of 0.9 and a learning rate for each group."""

        def __init__(self, recipe: Any, **more: Any) -> None:
            super().__init__(momentum=0.9, **more)
            self.prepare(recipe)

        def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
            """Change one weight."""
            factor = self.factors[self.group_of[self._get_variable_index(variable)]]
            super().update_step(gradient, variable, learning_rate * factor)

    class GroupedAdam(Grouped, keras.optimizers.Adam):
        """Adam with a learning rate for each group, and decoupled weight decay; as torch's, step by step."""

        def __init__(self, recipe: Any, decoupled: float, **more: Any) -> None:
            super().__init__(epsilon=1e-8, **more)
            self.prepare(recipe)
            self.decoupled = decoupled

        def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
            """Change one weight."""
            index = self._get_variable_index(variable)
            group = self.group_of[index]
            m, v = self._momentums[index], self._velocities[index]
            g = ops.convert_to_tensor(gradient)
            rate = ops.cast(learning_rate, g.dtype) * self.factors[group]
            t = self.steps(group, g.dtype)
            self.assign_add(m, (1 - self.beta_1) * (g - m))
            self.assign_add(v, (1 - self.beta_2) * (ops.square(g) - v))
            mean = m / (1 - ops.power(self.beta_1, t))
            spread = ops.sqrt(v / (1 - ops.power(self.beta_2, t)))
            step = mean / (spread + self.epsilon)
            if self.decoupled:
                decay = self.decoupled * ops.convert_to_tensor(variable)
                step = step + (decay * self.is_open(group, g.dtype) if self.gradual else decay)
            self.assign_sub(variable, rate * step)

    return GroupedSGD, GroupedAdam
