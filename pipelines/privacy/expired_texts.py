"""What is left of a mail when it has been kept long enough: the phrases by which a reviewed rule has classified it."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pipelines.smartlead.text import plain_text

EXPIRED = "[expired]"
LONGEST_TEXT = 100_000
TEXT_FIELDS = ("text", "html", "body", "preview")  # how the names of such fields end
APOSTROPHES = str.maketrans(dict.fromkeys("\u2019\u2018\u02bc\u00b4`", "'"))  # as the macro plain_characters has them


def phrases_of(project_dir: Path) -> list[re.Pattern[str]]:
    """The patterns of the reviewed rules that read replies and bounce notices."""
    patterns = []
    for name in ("automatic_reply_rules", "bounce_rules"):
        with (project_dir / "seeds" / f"{name}.csv").open(newline="", encoding="utf-8") as lines:
            patterns += [re.compile(row["pattern"], re.IGNORECASE) for row in csv.DictReader(lines)]
    return patterns


def expired(text: str, phrases: Iterable[re.Pattern[str]]) -> str:
    """What is left of a text: that it has expired, and what rules recognise in it."""
    plain = plain_text(text, LONGEST_TEXT).translate(APOSTROPHES)
    return " ".join([EXPIRED, *(found[0] for one in phrases if (found := one.search(plain)))])


def expired_json(text: str, phrases: Iterable[re.Pattern[str]]) -> str:
    """What is left of an event: everything but its texts."""
    patterns = list(phrases)

    def without(name: str, value: Any) -> Any:
        if isinstance(value, dict):
            return {inner: without(inner, one) for inner, one in value.items()}
        if isinstance(value, list):
            return [without(name, one) for one in value]
        is_text = isinstance(value, str) and name.endswith(TEXT_FIELDS)
        return expired(value, patterns) if is_text else value

    return json.dumps(without("", json.loads(text)), ensure_ascii=False)
