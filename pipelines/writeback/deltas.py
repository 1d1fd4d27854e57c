"""Reading the deltas that the published marts propose. Nothing in them is trusted: every rule is checked again."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import duckdb

from pipelines.config import Settings
from pipelines.errors import DataError
from pipelines.privacy.suppression import Gate, read_gate
from pipelines.publish import PublishedVersion, open_version, published_version
from pipelines.writeback.plan import Change

ERASED = "the person was erased"


@dataclass(frozen=True)
class Delta:
    """One proposed change: a record and field, the wanted value as text, and why."""

    delta_id: str
    org: str
    object: str
    record_id: str
    field: str
    after_value: str
    reason: str
    evidence: str
    campaign_id: str | None


@dataclass(frozen=True)
class Proposal:
    """What one published version proposes: its deltas, and how many changes are held back before any is planned."""

    version: PublishedVersion
    deltas: list[Delta]
    blocked: dict[tuple[str, str, str], int]


def read_proposal(settings: Settings) -> Proposal:
    """Read the deltas of the published marts, without those of people who were erased since.

    Returns:
        The deltas in the order of their ids, and the blocked ones counted by (object, field, reason).

    Raises:
        ConfigurationError: people were erased, and the key that recognises them is missing or another one.
        DataError: nothing is published, or the published marts lack the delta mart.
    """
    version = published_version(settings)
    marts_of = ["fct_writeback_deltas", *(["fct_hubspot_deltas"] if settings.hubspot else [])]
    columns = "delta_id, org, object, record_id, field, after_value, reason, evidence, campaign_id"
    try:
        with open_version(version) as marts:
            deltas = marts.execute(
                " union all ".join(f"select {columns} from {mart}" for mart in marts_of)  # noqa: S608  our own names
                + " order by org, object, campaign_id nulls last, record_id, field, delta_id"
            ).fetchall()
            blocked = marts.execute(
                "select object, field, blocked_reason, count(*) from fct_writeback_blocked group by all order by all"
            ).fetchall()
    except duckdb.CatalogException as error:
        raise DataError(
            f"{version.file.name} has no write-back marts: {error}.", next_step="Run outreach build."
        ) from None
    proposed = [Delta(*("" if value is None and i < 8 else value for i, value in enumerate(row))) for row in deltas]
    held = Counter({(object_name, field, reason): count for object_name, field, reason, count in blocked})
    if gate := read_gate(settings):  # the marts show whom it keeps out until they are built anew, and that may fail
        held.update((one.object, one.field, ERASED) for one in proposed if is_of_erased(gate, one))
        proposed = [one for one in proposed if not is_of_erased(gate, one)]
    return Proposal(version, proposed, dict(held))


def is_of_erased(gate: Gate, one: Delta | Change) -> bool:
    """Whether a delta, or the change planned of it, is about somebody who was erased."""
    key = one.record_id  # in HubSpot, an address
    return gate.erased.record(one.org, key[:15]) or gate.erased.address(key.lower())
