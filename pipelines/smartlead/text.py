"""Mail bodies as plain text, and as hashes where the text itself has no business in the warehouse."""

from __future__ import annotations

import hashlib
from html.parser import HTMLParser


def plain_text(html: str, limit: int) -> str:
    """The visible text of a mail, blanks collapsed, at most so many characters."""
    parser = _Text()
    parser.feed(html)
    parser.close()
    return " ".join("".join(parser.parts).split())[:limit]


def text_hash(text: str | None) -> str | None:
    """The SHA-256 of a text, so that an approved template can be recognised without keeping it."""
    return None if text is None else hashlib.sha256(text.encode()).hexdigest()


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in {"style", "script"}
        self.parts.append("" if tag in {"b", "i", "a", "em", "span", "strong"} else " ")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in {"style", "script"} and self._hidden > 0

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(data)
