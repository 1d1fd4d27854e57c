"""What we sent to Clay: an intent is committed before the request leaves, its outcome after the answer.

A row is sent once per table and member. An intent without outcome, or one whose answer was lost, is *open*: the row may
have arrived. It is settled by looking for it in Clay, never by sending it again on suspicion (R6).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import sqlalchemy as sa

from pipelines.campaign_map import MappedCampaign
from pipelines.clay.audience import Member
from pipelines.privacy.suppression import gate_of
from pipelines.store import reading, writing
from pipelines.store_locks import lock_inbox
from pipelines.store_tables import clay_submissions

OPEN = ("intent", "unknown")
_c = clay_submissions.c


class Submissions:
    """The submissions to one Clay table. Only one export at a time may work on them."""

    def __init__(self, engine: sa.Engine, campaign: MappedCampaign) -> None:
        self._engine = engine
        self._campaign = campaign

    def statuses(self) -> dict[str, str]:
        """The status of every member that was ever submitted to the table."""
        query = sa.select(_c.campaign_member_id, _c.status).where(_c.table_id == self._campaign.clay_table_id)
        with reading(self._engine) as connection:
            return dict(connection.execute(query).all())

    def details(self) -> dict[str, str]:
        """What is known of every member's row, for people."""
        query = sa.select(_c.campaign_member_id, _c.status, _c.detail).where(
            _c.table_id == self._campaign.clay_table_id
        )
        with reading(self._engine) as connection:
            rows = connection.execute(query).mappings().all()
        return {
            str(row["campaign_member_id"]): f"{row['status']} ({row['detail']})"
            if row["detail"]
            else str(row["status"])
            for row in rows
        }

    def taken(self) -> int:
        """How many submissions the table's webhook has taken from us, or may have."""
        query = sa.select(sa.func.coalesce(sa.func.sum(_c.times_sent), 0)).where(
            _c.table_id == self._campaign.clay_table_id
        )
        with reading(self._engine) as connection:
            return int(connection.scalar(query) or 0)

    def accepted_at(self) -> dict[str, datetime]:
        """The members whose rows Clay accepted, and when they were sent by our clock."""
        return self._sent_at(("accepted",))

    def open_since(self) -> dict[str, datetime]:
        """The members whose rows may or may not have arrived, and since when."""
        return self._sent_at(OPEN)

    def _sent_at(self, statuses: Sequence[str]) -> dict[str, datetime]:
        query = sa.select(_c.campaign_member_id, _c.intent_at).where(
            _c.table_id == self._campaign.clay_table_id,
            _c.status.in_(statuses),
            _c.lead_id != "",  # an erasure leaves no id: nobody can look for the row any more
        )
        with reading(self._engine) as connection:
            return dict(connection.execute(query).all())

    def intend(self, member: Member, payload_hash: str) -> bool:
        """Commit that the member's row is about to be sent; again after it was turned away or did not arrive.

        Returns:
            Whether it may be sent; not if it shows somebody who was erased, and then nothing is committed.

        Raises:
            ConfigurationError: people were erased, and the key that recognises them is missing or another one.
        """
        ids = {"campaign_member_id": member.campaign_member_id, "lead_id": member.lead_id}
        intent = {
            "org": self._campaign.org,
            "campaign_id": self._campaign.campaign_id,
            "lead_id": member.lead_id,
            "payload_hash": payload_hash,
            "status": "intent",
            "intent_at": datetime.now(UTC),
            "settled_at": None,
            "detail": None,
            "times_sent": _c.times_sent + 1,
        }
        with writing(self._engine) as connection:
            lock_inbox(connection)  # an erasure that begins now finds this row, or this row finds its hashes
            gate = gate_of(connection)
            if gate and gate.mentions.judge(ids | member.values, self._campaign.org):
                return False
            again = connection.execute(
                clay_submissions.update().where(*self._is(member.campaign_member_id)).values(intent)
            )
            if again.rowcount == 0:
                key = {
                    "table_id": self._campaign.clay_table_id,
                    "campaign_member_id": member.campaign_member_id,
                }
                connection.execute(clay_submissions.insert().values(intent | key | {"times_sent": 1}))
        return True

    def settle(self, member_ids: Iterable[str], status: str, detail: str, at: datetime) -> None:
        """Commit what became of rows, and when by Clay's clock."""
        values = {"status": status, "settled_at": at, "detail": detail}
        with writing(self._engine) as connection:
            for member_id in member_ids:
                connection.execute(clay_submissions.update().where(*self._is(member_id)).values(values))

    def answered(self, member_id: str, status: str, detail: str, at: datetime) -> None:
        """Commit what sending a row came to; one that Clay turned away does not count as sent."""
        values = {"status": status, "settled_at": at, "detail": detail}
        counted = {"times_sent": _c.times_sent - 1} if status == "rejected" else {}
        with writing(self._engine) as connection:
            connection.execute(clay_submissions.update().where(*self._is(member_id)).values(values | counted))

    def _is(self, member_id: str) -> tuple[sa.ColumnElement[bool], ...]:
        return _c.table_id == self._campaign.clay_table_id, _c.campaign_member_id == member_id
