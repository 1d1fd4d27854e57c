"""Salesforce record ids: the 15-character form is case-sensitive, the 18-character form adds a checksum of the case."""

from __future__ import annotations

import re
from string import ascii_letters, digits

from pipelines.errors import DataError

_SHAPE = re.compile(r"[A-Za-z0-9]{15}(?:[A-Z0-5]{3})?")
_CAPITALS = str.maketrans({letter: "1" if letter.isupper() else "0" for letter in ascii_letters + digits})
# The letter that stands for five characters, by which of them are capitals; the first one counts least.
_LETTERS = {f"{number:05b}"[::-1]: letter for number, letter in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZ012345")}


def to_18(record_id: str) -> str:
    """The 18-character form of an id (R5).

    Raises:
        DataError: it has neither 15 nor 18 letters and digits, or its checksum is wrong.
    """
    if not _SHAPE.fullmatch(record_id):
        raise DataError(
            f"'{record_id[:24]}' is not a Salesforce id: 15 or 18 letters and digits are expected.",
            next_step="Correct it where it comes from; ids are never guessed.",
        )
    with_checksum = record_id[:15] + _checksum(record_id[:15])
    if len(record_id) == 18 and record_id != with_checksum:
        raise DataError(
            f"The Salesforce id '{record_id}' has a wrong checksum: upper and lower case were changed on the way.",
            next_step="Correct it where it comes from; ids are never guessed.",
        )
    return with_checksum


def _checksum(id_15: str) -> str:
    """One letter for each five characters: which of them are capitals."""
    capitals = id_15.translate(_CAPITALS)
    return _LETTERS[capitals[:5]] + _LETTERS[capitals[5:10]] + _LETTERS[capitals[10:]]
