"""How a job writes and reads CSV: its column delimiter and its line ending."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.salesforce.errors import SalesforceError

DELIMITERS = {"BACKQUOTE": "`", "CARET": "^", "COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "TAB": "\t"}
LINE_ENDINGS = {"LF": "\n", "CRLF": "\r\n"}


@dataclass(frozen=True)
class Dialect:
    """The two names as clients write them, and the characters that they stand for."""

    delimiter_name: str = "COMMA"
    line_ending_name: str = "LF"

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Dialect:
        """The dialect that a request to create a job asks for.

        Raises:
            SalesforceError: INVALIDJOB, there is no such delimiter or line ending.
        """
        default = cls()
        return cls(
            _choice(body, "columnDelimiter", DELIMITERS, default.delimiter_name),
            _choice(body, "lineEnding", LINE_ENDINGS, default.line_ending_name),
        )

    @property
    def delimiter(self) -> str:
        """The character between columns."""
        return DELIMITERS[self.delimiter_name]

    @property
    def line_ending(self) -> str:
        """The characters after each record."""
        return LINE_ENDINGS[self.line_ending_name]


def _choice(body: Mapping[str, Any], key: str, known: Mapping[str, str], default: str) -> str:
    name = body.get(key) or default
    if name not in known:
        raise SalesforceError(400, "INVALIDJOB", f"InvalidJob : {key} must be one of {', '.join(known)}, not {name}")
    return str(name)
