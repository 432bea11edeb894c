"""What every kind of teacher must be able to do, and the registry they are found in."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

from ...data.errors import ModelError
from .regressor import Regressor

_LOADERS: dict[str, Callable[[], type[Regressor]]] = {}
_OPTIONAL: set[str] = set()


def register_regressor(name: str, loader: Callable[[], type[Regressor]], optional: bool = False) -> None:
    """Make a kind of teacher known by its name: ``[teacher] kind`` in Python, and the name in its bundles.

    Parameters
    ----------
    name : str
        What :class:`TeacherSettings` calls it (``kind``). Bundles are read wherever the name is registered; a campaign
        file takes the kinds that come with docksieve (``docs/howto/teacher.md`` adds one).
    loader : callable
        Imports and returns its class, a :class:`Regressor`; called when one is trained or read.
    optional : bool
        Whether it needs more than docksieve brings. Such a kind is taken only by name: what ``auto`` chooses must not
        depend on what happens to be installed.

    Examples
    --------
    >>> def load():
    ...     from my_package import MyRegressor  # imported only where it is used
    ...     return MyRegressor
    >>> docksieve.register_regressor("mine", load, optional=True)
    >>> docksieve.TeacherSettings(kind="mine").kind
    'mine'
    """
    _LOADERS[name] = loader
    if optional:
        _OPTIONAL.add(name)


def regressor_class(name: str) -> type[Regressor]:
    """Return the class registered as ``name``.

    Raises
    ------
    KeyError
        If there is none.
    ModelError
        If it needs a package that is not installed.
    """
    return _LOADERS[name]()


def registered() -> tuple[str, ...]:
    """Return the names of all known kinds."""
    return tuple(_LOADERS)


def stackable() -> tuple[str, ...]:
    """Return the names of the kinds that ``auto`` may mix."""
    return tuple(name for name in _LOADERS if name not in _OPTIONAL)


def _kernel() -> type[Regressor]:
    from .gaussian_process import KernelRegressor

    return KernelRegressor


def _mlp() -> type[Regressor]:
    from .mlp import MlpRegressor

    return MlpRegressor


def _trees() -> type[Regressor]:
    from .trees import TreesRegressor

    return TreesRegressor


def _dmpnn() -> type[Regressor]:
    if importlib.util.find_spec("chemprop") is None:
        raise ModelError(
            "The teacher 'dmpnn' needs chemprop, which is not installed.",
            "pip install 'docksieve[chemprop]', or choose another teacher.kind.",
        )
    from .dmpnn import DmpnnRegressor

    return DmpnnRegressor


register_regressor("kernel", _kernel)
register_regressor("mlp", _mlp)
register_regressor("trees", _trees)
register_regressor("dmpnn", _dmpnn, optional=True)
