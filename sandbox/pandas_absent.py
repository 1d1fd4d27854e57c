"""A quick answer to whoever looks for pandas, which nothing here needs.

DuckDB imports it for each parameter of a statement. Not to find it takes longer than most statements do.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType

NAME = "pandas"


def answer_for_pandas() -> None:
    """Let an import of pandas fail at once, where it is not installed."""
    if not any(isinstance(one, _Absent) for one in sys.meta_path) and find_spec(NAME) is None:
        sys.meta_path.insert(0, _Absent())


class _Absent(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        del path, target
        if fullname == NAME:
            raise ModuleNotFoundError(f"No module named '{NAME}'", name=NAME)
        return None
