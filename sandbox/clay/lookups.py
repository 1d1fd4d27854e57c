"""The Enterprise API of people and companies: what it knows is a pure function of the world's seed and the key."""

from __future__ import annotations

from typing import Any

from sandbox.clay.descriptions import description
from sandbox.database import Database
from sandbox.world.nature import employee_count, industry, normal, unit
from sandbox.world.pools import TITLES

CREDITS = {"person": 1, "company": 2}
MATCH_SHARES = {"person": 0.7, "company": 0.85}
KEYS = {"person": "email", "company": "domain"}


class Lookups:
    """Answers lookups, and keeps which there were.

    Args:
        database: the state.
        seed: the world's.
    """

    def __init__(self, database: Database, seed: int) -> None:
        self._db = database
        self._seed = seed

    def answer(self, subject: str, body: dict[str, Any]) -> dict[str, Any]:
        """What is known of a person or company, None in it where nothing is, and the credits it costs.

        Raises:
            ValueError: the body has no usable key.
        """
        key = normal(str(body.get(KEYS[subject]) or ""))
        if not key or ("@" in key) != (subject == "person"):
            raise ValueError(f"{KEYS[subject]} is missing or not valid")
        is_match = unit(self._seed, "lookup", subject, key) < MATCH_SHARES[subject]
        lookup = {"subject": subject, "lookup_key": key, "is_match": is_match, "credits": CREDITS[subject]}
        with self._db.transaction():
            self._db.insert("lookups", lookup)
        record = (self._person(key) if subject == "person" else self._company(key)) if is_match else None
        return {subject: record, "credits_used": CREDITS[subject]}

    def _person(self, email: str) -> dict[str, Any]:
        local_part, _, domain = email.partition("@")
        return {
            "full_name": local_part.replace(".", " ").title(),
            "job_title": TITLES[int(unit(self._seed, "lookup title", email) * len(TITLES))],
            "linkedin_url": f"https://linkedin.example/in/{local_part.replace('.', '-')}",
            "company": {"domain": domain},
        }

    def _company(self, domain: str) -> dict[str, Any]:
        facts: dict[str, Any] = {
            "company": domain.partition(".")[0].title(),
            "industry": industry(self._seed, domain),
            "employees": employee_count(self._seed, domain),
            "country": "Europe",
        }
        return {
            "name": facts["company"],
            "domain": domain,
            "industry": facts["industry"],
            "employee_count": facts["employees"],
            "description": description(self._seed, domain, facts),
        }
