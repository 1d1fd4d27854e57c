"""Recognising people who were erased, by keyed hashes only, so that they are neither loaded nor contacted again.

The hashes are HMAC-SHA256 of an address, a record id with its org, or a Smartlead id. Without the key nobody can try
addresses out against them. The key is ``OUTREACH_ERASURE_KEY`` (``erasure_key`` in the secrets file), else a file in
the data directory that the first erasure makes.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import sqlalchemy as sa

from pipelines.campaign_map import read_campaign_map
from pipelines.config import Settings
from pipelines.console import err
from pipelines.errors import ConfigurationError
from pipelines.privacy.mentions import ERASED, Finding, Mentions, Row
from pipelines.store import SETTINGS, open_store, reading
from pipelines.store_tables import erased_identities, erasures

OUR_OWN = frozenset({"users", "email_accounts", "source_reads"})  # our colleagues and mailboxes, no audience
LEADS = "leads"
KEPT_OF_A_LEAD = ("Id", "IsDeleted", "MasterRecordId", "CreatedDate", "LastModifiedDate", "SystemModstamp")
Count = Callable[[str, int], None]


@dataclass(frozen=True)
class Erased:
    """The people who were erased, as :class:`pipelines.privacy.mentions.Known` wants them."""

    key: bytes
    hashes: frozenset[str]
    orgs: tuple[str, ...] = ()

    def address(self, address: str) -> bool:
        """Whether an address was erased."""
        return keyed_hash(self.key, "email", address) in self.hashes

    def record(self, org: str | None, id_15: str) -> bool:
        """Whether a Salesforce record was erased."""
        return any(keyed_hash(self.key, "record", f"{one} {id_15}") in self.hashes for one in self._orgs(org))

    def smartlead_lead(self, number: str) -> bool:
        """Whether a lead in Smartlead was erased."""
        return keyed_hash(self.key, "smartlead", number) in self.hashes

    def _orgs(self, org: str | None) -> tuple[str, ...]:
        return (org,) if org else self.orgs


@dataclass(frozen=True)
class Gate:
    """What keeps erased people out: rows before they land, events before they are stored."""

    erased: Erased
    mentions: Mentions

    def admitted(self, body: str, *, is_readable: bool) -> str | None:
        """The body of an event that arrives, without erased people's addresses; None if it must not be kept."""
        finding = self.mentions.judge({"body": body})
        if finding is Finding.NOTHING:
            return body
        return self.mentions.erased(body) if finding is Finding.MENTIONED and is_readable else None

    def kept(self, table: pa.Table, dataset: str, name: str) -> pa.Table:
        """A table of rows without those of erased people.

        A lead that is new to us but has an erased address stays as its id alone, so that the models can say why it may
        not be contacted.
        """
        org = dataset.removeprefix("raw_salesforce_") if dataset.startswith("raw_salesforce_") else None
        suspects = self._suspects(table)
        if name in OUR_OWN or not suspects:
            return table
        rows = table.take(sorted(suspects)).to_pylist()
        clean = [kept for row in rows if (kept := self._landed(row, org, name)) is not None]
        others = pa.array([index not in suspects for index in range(table.num_rows)])
        return pa.concat_tables([table.filter(others), pa.Table.from_pylist(clean, schema=table.schema)])

    def _suspects(self, table: pa.Table) -> set[int]:
        return {
            index
            for column in table.column_names
            for index, value in enumerate(table.column(column).to_pylist())
            if value is not None and self.mentions.may_be_theirs(column, value)
        }

    def _landed(self, row: Row, org: str | None, name: str) -> dict[str, object] | None:
        finding = self.mentions.judge(row, org)
        if finding < Finding.THEIRS:
            return self.mentions.without(row, org)
        is_new_lead = org and name == LEADS and not self.erased.record(org, str(row["Id"])[:15])
        if not is_new_lead:
            return None
        return {field: row[field] if field in KEPT_OF_A_LEAD else None for field in row} | {"Email": ERASED}


def read_gate(settings: Settings) -> Gate | None:
    """What keeps erased people out; see :func:`gate_of`."""
    with reading(open_store(settings)) as connection:
        return gate_of(connection)


def gate_of(connection: sa.Connection) -> Gate | None:
    """What keeps erased people out as a transaction sees it, None while nobody was erased.

    Raises:
        ConfigurationError: people were erased, and the key that recognises them is missing or another one.
    """
    hashes = frozenset[str](connection.scalars(sa.select(erased_identities.c.keyed_hash)))
    if not hashes:
        return None
    settings: Settings = connection.get_execution_options()[SETTINGS]
    key_id = connection.scalar(sa.select(erasures.c.key_id).limit(1))
    key = erasure_key(settings)
    if key is None or key_id_of(key) != key_id:
        raise ConfigurationError(
            "People were erased, and the key that recognises them is "
            + ("missing" if key is None else "another one than it was")
            + ": they would be loaded, exported or written about again.",
            next_step=f"Give OUTREACH_ERASURE_KEY, or {key_file(settings)}, the key of then.",
        )
    campaigns = read_campaign_map(settings.project_dir)
    erased = Erased(key, hashes, tuple(dict.fromkeys(one.org for one in campaigns)))
    return Gate(erased, Mentions(erased, campaigns))


def keyed_hash(key: bytes, kind: str, value: str) -> str:
    """The hash by which a value is recognised; kinds are ``email``, ``record`` and ``smartlead``."""
    return hmac.digest(key, f"{kind} {value}".encode(), hashlib.sha256).hex()


def key_id_of(key: bytes) -> str:
    """What tells one key from another, and does not tell the key."""
    return keyed_hash(key, "key", "id")[:16]


def key_file(settings: Settings) -> Path:
    """Where the key is kept if the settings have none."""
    return settings.data_dir / "erasure.key"


def erasure_key(settings: Settings) -> bytes | None:
    """The key, None if there is none yet."""
    if settings.erasure_key is not None:
        return settings.erasure_key.get_secret_value().encode()
    file = key_file(settings)
    return file.read_bytes().strip() if file.exists() else None


def make_key(settings: Settings) -> bytes:
    """The key; a new one is made, and told of, where there is none."""
    key = erasure_key(settings)
    if key is None:
        file = key_file(settings)
        key = secrets.token_hex(32).encode()
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:
            target.write(key + b"\n")
        err.print(
            f"A key was made in {file}: it recognises the people who are erased. Keep a copy with your other secrets;"
            " without it nothing is loaded any more.",
            highlight=False,
        )
    return key
