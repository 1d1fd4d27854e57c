"""Whether a row is somebody's, or only mentions them.

A row is somebody's if a value in it, or in the JSON of it, is their address or the id of one of their records. It
mentions them if an address or id stands inside a longer text or among the copied-in recipients: somebody else's mail
that quotes them stays somebody else's, without the address.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from enum import IntEnum
from typing import Any, Protocol

from pipelines.campaign_map import MappedCampaign

ERASED = "[erased]"
ADDRESS = re.compile(r"[\w.+'-]+(?:@|%40)[\w-]+(?:\.[\w-]+)+")
IN_BRACKETS = re.compile(r"<([^<>]+)>$")
RECORD_ID = re.compile(r"(?<![A-Za-z0-9])(?:00Q|003|00v)[A-Za-z0-9]{12}(?:[A-Z0-5]{3})?(?![A-Za-z0-9])")
COPIED_IN = re.compile(r"(^|_)b?cc($|_)")
SMARTLEAD_LEAD = frozenset(
    {"lead_id", "smartlead_lead_id", "sl_email_lead_id", "campaign_lead_map_id", "sl_email_lead_map_id"}
)
Row = Mapping[str, Any]


class Known(Protocol):
    """Who somebody is."""

    def address(self, address: str) -> bool:
        """Whether an address in lower case is theirs."""

    def record(self, org: str | None, id_15: str) -> bool:
        """Whether the first 15 characters of a Salesforce id are those of a record of theirs; None: in any org."""

    def smartlead_lead(self, number: str) -> bool:
        """Whether a Smartlead lead, or its place in a campaign, is theirs."""


class Finding(IntEnum):
    """What a row has to do with somebody."""

    NOTHING = 0
    MENTIONED = 1
    THEIRS = 2


class Mentions:
    """Looks for somebody in rows.

    Args:
        known: who they are.
        campaigns: which Clay table and Smartlead campaign belongs to which org, since ids count within an org (R9).
    """

    def __init__(self, known: Known, campaigns: list[MappedCampaign]) -> None:
        self._known = known
        self._orgs = {one.clay_table_id: one.org for one in campaigns}
        self._orgs |= {one.smartlead_campaign_id: one.org for one in campaigns}

    def judge(self, row: Row, org: str | None = None) -> Finding:
        """What a row has to do with them; ``org`` is the one of its table, else the row itself may tell."""
        leaves = list(_leaves("", row))
        org = org or self._org(leaves)
        return max((self._judge(name, value, org) for name, value in leaves), default=Finding.NOTHING)

    def without(self, row: Row, org: str | None = None) -> dict[str, Any]:
        """The row without their addresses and ids."""
        org = org or self._org(list(_leaves("", row)))
        return {name: self.erased(value, org) if isinstance(value, str) else value for name, value in row.items()}

    def erased(self, text: str, org: str | None = None) -> str:
        """A text without their addresses and ids; JSON stays JSON."""
        content = _parsed(text)
        if content is not None:
            return json.dumps(self._erased(content, org), ensure_ascii=False)
        text = ADDRESS.sub(lambda found: ERASED if self._is_address(found[0]) else found[0], text)
        return RECORD_ID.sub(lambda found: ERASED if self._known.record(org, found[0][:15]) else found[0], text)

    def may_be_theirs(self, name: str, value: Any) -> bool:
        """Whether a value alone has to do with them, in whatever org; quick to say no."""
        return self._judge(name, value, None) > Finding.NOTHING or (
            isinstance(value, str)
            and value[:1] in {"{", "["}
            and any(self._judge(inner, leaf, None) > Finding.NOTHING for inner, leaf in _leaves(name, value))
        )

    def _org(self, leaves: list[tuple[str, Any]]) -> str | None:
        for name, value in leaves:
            if name == "org" and value:
                return str(value).lower()
        named = (self._orgs.get(str(value)) for name, value in leaves if name.endswith(("table_id", "campaign_id")))
        return next((org for org in named if org), None)

    def _judge(self, name: str, value: Any, org: str | None) -> Finding:
        if name in SMARTLEAD_LEAD and str(value).isdigit() and self._known.smartlead_lead(str(value)):
            return Finding.THEIRS
        if not isinstance(value, str):
            return Finding.NOTHING
        if self._is_whole(value.strip(), org):
            return Finding.MENTIONED if COPIED_IN.search(name.lower()) else Finding.THEIRS
        return Finding.MENTIONED if self._is_inside(value, org) else Finding.NOTHING

    def _is_whole(self, text: str, org: str | None) -> bool:
        if "@" in text:
            bracketed = IN_BRACKETS.search(text)
            return self._known.address((bracketed[1] if bracketed else text).strip().lower())
        return bool(RECORD_ID.fullmatch(text)) and self._known.record(org, text[:15])

    def _is_inside(self, text: str, org: str | None) -> bool:
        if ("@" in text or "%40" in text) and any(self._is_address(found) for found in ADDRESS.findall(text)):
            return True
        return any(self._known.record(org, found[:15]) for found in RECORD_ID.findall(text))

    def _is_address(self, found: str) -> bool:
        address = found.lower().replace("%40", "@")
        return self._known.address(address) or self._known.address(address.lstrip("'.-"))

    def _erased(self, content: Any, org: str | None) -> Any:
        if isinstance(content, dict):
            return {name: self._erased(value, org) for name, value in content.items()}
        if isinstance(content, list):
            return [self._erased(value, org) for value in content]
        return self.erased(content, org) if isinstance(content, str) else content


def _leaves(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Every single value with the name it stands under, also those in JSON text."""
    if isinstance(value, str) and (content := _parsed(value)) is not None:
        value = content
    if isinstance(value, Mapping):
        for inner_name, inner in value.items():
            # a Clay cell is {"value": …, "status": …}: its name is the column's
            yield from _leaves(name if inner_name == "value" and name else str(inner_name), inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _leaves(name, inner)
    else:
        yield name, value


def _parsed(text: str) -> Any:
    """The object or list that a text is as JSON; None if it is none."""
    if text[:1] not in {"{", "["}:
        return None
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict | list) else None
