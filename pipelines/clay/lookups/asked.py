"""What we have asked Clay about people and companies: the cache of its answers, and what they have cost.

A request is committed as an intent, with its price, before it leaves. Only an answer makes it cheaper: what was never
answered stays an intent and counts, since nobody knows whether it was charged.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from pipelines.config.services import ClayLookups
from pipelines.errors import QuotaError
from pipelines.privacy.suppression import gate_of
from pipelines.store import reading, writing
from pipelines.store_locks import lock_inbox
from pipelines.store_tables import clay_lookups

ANSWERED = ("found", "missed")
_c = clay_lookups.c


class ErasedPersonError(Exception):
    """The address belongs to somebody who was erased, and is not asked for."""


@dataclass(frozen=True)
class Lookup:
    """What is to be looked up: a ``person`` by address, and LinkedIn page where known, or a ``company`` by domain."""

    subject: str
    key: str
    linkedin_url: str | None = None

    @property
    def body(self) -> dict[str, str]:
        """What Clay is told of it, and no more."""
        if self.subject == "company":
            return {"domain": self.key}
        return {"email": self.key} | ({"linkedin_url": self.linkedin_url} if self.linkedin_url else {})


@dataclass(frozen=True)
class Budget:
    """The credits of the running period."""

    credits: int
    spent: int
    period: str

    @property
    def left(self) -> int:
        """What may still be spent."""
        return max(0, self.credits - self.spent)


class Asked:
    """The lookups of all runs."""

    def __init__(
        self, engine: sa.Engine, settings: ClayLookups, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._now = now

    def answered(self) -> set[tuple[str, str]]:
        """Subject and key of all that was answered within the cache's lifetime, misses included."""
        since = self._now() - timedelta(days=self._settings.cache_days)
        query = sa.select(_c.subject, _c.lookup_key).where(_c.status.in_(ANSWERED), _c.asked_at >= since).distinct()
        with reading(self._engine) as connection:
            return {(row.subject, row.lookup_key) for row in connection.execute(query)}

    def found_subjects(self) -> set[str]:
        """The subjects of which anything was ever found."""
        with reading(self._engine) as connection:
            return set(connection.scalars(sa.select(_c.subject).where(_c.status == "found").distinct()))

    def budget(self) -> Budget:
        """What the running period has cost."""
        with reading(self._engine) as connection:
            return self._budget(connection)

    def intend(self, lookup: Lookup) -> int:
        """Commit that a request is about to leave, and return its id.

        Raises:
            QuotaError: it might exceed the budget.
            ErasedPersonError: it would ask for somebody who was erased.
        """
        with writing(self._engine) as connection:
            lock_inbox(connection)  # an erasure that begins now finds this row, or this row finds its hashes
            gate = gate_of(connection)
            if gate and gate.erased.address(lookup.key):
                raise ErasedPersonError
            budget, price = self._budget(connection), self._price(connection, lookup.subject)
            if price > budget.left:
                raise _used_up(budget, price)
            intent = {
                "subject": lookup.subject,
                "lookup_key": lookup.key,
                "status": "intent",
                "credits": price,
                "is_price_named": False,
                "asked_at": self._now(),
            }
            key = connection.execute(clay_lookups.insert().values(intent)).inserted_primary_key
        return int(key[0]) if key else 0

    def refused(self, lookup_id: int, http_status: int | None) -> None:
        """Commit that nothing was looked up, so that nothing was charged."""
        self._settle(lookup_id, {"status": "refused", "credits": 0, "http_status": http_status})

    def settle(
        self, lookup_id: int, key: str, status: str, answer: Any, *, credits: int | None, http_status: int, at: datetime
    ) -> None:
        """Commit an answer: what it was, as it came, and when by Clay's clock; ``credits`` if it names them."""
        values: dict[str, Any] = {"status": status, "http_status": http_status, "answered_at": at}
        if credits is not None:
            values |= {"credits": credits, "is_price_named": True}
        self._settle(lookup_id, values, key, json.dumps(answer, ensure_ascii=False, sort_keys=True))

    def _settle(self, lookup_id: int, values: dict[str, Any], key: str = "", answer: str | None = None) -> None:
        with writing(self._engine) as connection:
            gate = gate_of(connection)
            if gate and answer:
                answer = gate.mentions.erased(answer)
            # whoever was erased while Clay was asked keeps no answer
            kept = sa.case((_c.lookup_key == key, answer), else_=None)
            connection.execute(clay_lookups.update().where(_c.lookup_id == lookup_id).values(values | {"answer": kept}))

    def _budget(self, connection: Connection) -> Budget:
        day = self._now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        since = day.replace(day=1) if self._settings.budget_period == "month" else day
        query = sa.select(sa.func.coalesce(sa.func.sum(_c.credits), 0)).where(_c.asked_at >= since)
        spent = int(connection.scalar(query) or 0)
        return Budget(self._settings.credit_budget, spent, self._settings.budget_period)

    def _price(self, connection: Connection, subject: str) -> int:
        """What the next lookup is taken to cost: the price of the settings, or more if an answer has named more."""
        named = connection.scalar(sa.select(sa.func.max(_c.credits)).where(_c.subject == subject, _c.is_price_named))
        return max(self._settings.credits_per_lookup, named or 0)


def _used_up(budget: Budget, price: int) -> QuotaError:
    return QuotaError(
        f"The credit budget of Clay's lookups is used up: {budget.spent:,} of {budget.credits:,} credits of this"
        f" {budget.period} are spent, and a lookup costs {price:,}. What was found is kept.",
        next_step=f"Run the command again in the next {budget.period} (UTC), or raise clay.lookups.credit_budget.",
    )
