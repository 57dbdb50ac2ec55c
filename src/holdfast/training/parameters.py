"""`get_params` and `set_params`, as scikit-learn expects of an estimator."""

from __future__ import annotations

import inspect
from typing import Any, TypeVar

from holdfast.errors import ArgumentError

Self = TypeVar("Self", bound="Parameters")


class Parameters:
    """Keeps what its subclass was called with as it was given, under the arguments' names.

    So that ``sklearn.base.clone``, ``get_params`` and ``set_params`` work, without scikit-learn
    being there. A subclass stores every argument unchanged in an attribute of the same name.
    """

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The constructor's arguments, by name; `deep` has no meaning, as none is an estimator."""
        return {name: getattr(self, name) for name in _arguments(type(self))}

    def set_params(self: Self, **params: Any) -> Self:
        """Change arguments, all or (with an ArgumentError) none; the next `fit` uses them."""
        known = _arguments(type(self))
        for name in params:
            if name not in known:
                raise ArgumentError(
                    f"{type(self).__name__} has no argument {name!r}; it has {', '.join(known)}."
                )
        type(self)(**{**self.get_params(), **params})  # refuses what cannot be
        for name, value in params.items():
            setattr(self, name, value)
        return self

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn wants to know of an estimator; only it calls this."""
        from sklearn.utils import Tags, TargetTags

        return Tags(estimator_type=None, target_tags=TargetTags(required=False))

    def __repr__(self) -> str:
        """The call that makes it, without the arguments that have their default."""
        shown = []
        for name, argument in _arguments(type(self)).items():
            value, default = getattr(self, name), argument.default
            if type(value) is not type(default) or value != default:
                shown.append(f"{name}={value!r}")
        return f"{type(self).__name__}({', '.join(shown)})"


def _arguments(kind: type) -> dict[str, inspect.Parameter]:
    return dict(inspect.signature(kind).parameters)
