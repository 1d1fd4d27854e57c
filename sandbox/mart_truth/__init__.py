"""Whether the marts say what the simulation knows because it made it: one query for each kind of fact.

As in :mod:`sandbox.agreement`, the expectations come from the truth files; no rule is written a second time. A file's
first line says what it compares; its query gives an id, what is expected, and what the mart says. A row that only one
of the two has is a difference too.

Three subjects have no truth that is not the rule itself: gates (``fct_campaign_gates``: reviewed thresholds over counts
that are compared here), open errors (``fct_sync_errors``: what we wrote down as failed; the simulation knows what was
done, and that is compared), and scores (the simulation computes them by the same formula).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def mart_queries() -> Mapping[str, str]:
    """The queries by what they compare; ``$truth`` in them stands for the directory of the truth files."""
    texts = [file.read_text() for file in sorted(Path(__file__).parent.glob("*.sql"))]
    return {text.splitlines()[0].removeprefix("-- "): text for text in texts}
