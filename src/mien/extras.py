"""One helper for optional packages: import it or say which pip line brings it."""

from __future__ import annotations

import importlib
from types import ModuleType

from .errors import MissingExtra


def need(module: str, extra: str, why: str) -> ModuleType:
    """Import an optional package.

    Args:
        module: the module to import ("pandas").
        extra: mien's extra that installs it ("all").
        why: what asked for it, shown to the user ("Table.to_pandas()").

    Raises:
        MissingExtra: the module is not installed; the message holds the pip line.

    Example:
        >>> need("json", "all", "this example").__name__
        'json'
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        if error.name is not None and error.name.split(".")[0] != module.split(".")[0]:
            raise  # the package is there, but something that it needs is broken: show that
        raise MissingExtra(f"{why} needs the package {module!r}; install it with: pip install 'mien[{extra}]'") from error
