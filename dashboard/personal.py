"""Personal data: which columns hold them, and what a viewer sees instead who may not see them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from dashboard.marts import Row

HIDDEN = "•••"
# Known by their names, so that no table can forget to say it.
PERSONAL_COLUMNS = frozenset(
    {"person", "email", "first_name", "last_name", "phone", "owner_name", "reply_text", "subject"}
)
_ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+@(?=[\w-]+(\.[\w-]+)+)")


def masked(rows: Iterable[Row]) -> Iterator[Row]:
    """The rows with personal columns hidden; of an address in any other text, such as a mailbox, the domain stays."""
    return ({column: _mask(column, value) for column, value in row.items()} for row in rows)


def _mask(column: str, value: Any) -> Any:
    if value is None or not isinstance(value, str):
        return value
    if column in PERSONAL_COLUMNS:
        return HIDDEN
    return _ADDRESS.sub(_without_local_part, value)


def _without_local_part(address: re.Match[str]) -> str:
    return f"{address.group()[:2]}{HIDDEN}@"
