"""Whether the marts say what the simulation knows because it made it: one query for each kind of fact.

As in :mod:`sandbox.agreement`, the expectations come from the truth files; no rule is written a second time. A file's
first line says what it compares; its query gives an id, what is expected, and what the mart says. A row that only one
of the two has is a difference too.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def mart_queries() -> Mapping[str, str]:
    """The queries by what they compare; ``$truth`` in them stands for the directory of the truth files."""
    texts = [file.read_text() for file in sorted(Path(__file__).parent.glob("*.sql"))]
    return {text.splitlines()[0].removeprefix("-- "): text for text in texts}
