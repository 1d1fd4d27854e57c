"""Fate: what holds of a person or company is a pure function of the world's seed and an e-mail address or domain.

So three services agree on who is out of office without sharing a database. Each function has a twin that gives the same
value as a DuckDB expression, for a million rows at once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from enum import StrEnum

SEPARATOR = "\x1f"
BITS = 53  # what a float holds exactly


class Mailbox(StrEnum):
    """The true state of a mailbox: how it answers a mail."""

    ALIVE = "alive"
    DEAD = "dead"  # no such user: a hard bounce, always
    FULL = "full"  # over quota: a soft bounce
    POLICY_BLOCKING = "policy_blocking"  # refuses the sender, not the recipient


class Disposition(StrEnum):
    """What a person would do with cold mail, should it arrive."""

    SILENT = "silent"
    POSITIVE = "positive"
    MEETING = "meeting"  # asks for a meeting
    QUESTION = "question"  # asks for information
    NEUTRAL = "neutral"
    WRONG_PERSON = "wrong_person"
    NEGATIVE = "negative"
    DO_NOT_CONTACT = "do_not_contact"
    AUTO_REPLY = "auto_reply"  # an absence notice, never a word of their own
    UNSUBSCRIBE = "unsubscribe"  # clicks the link instead of answering

    @property
    def classification(self) -> str | None:
        """What an attentive reader would call the reply; None where no human answers."""
        return CLASSIFICATIONS.get(self)


CLASSIFICATIONS: Mapping[Disposition, str] = {
    Disposition.POSITIVE: "Positive",
    Disposition.MEETING: "Positive",
    Disposition.QUESTION: "Positive",
    Disposition.NEUTRAL: "Neutral",
    Disposition.WRONG_PERSON: "Neutral",
    Disposition.NEGATIVE: "Negative",
    Disposition.DO_NOT_CONTACT: "Negative",
}

MAILBOXES: Mapping[str, float] = {
    Mailbox.ALIVE: 0.89,
    Mailbox.DEAD: 0.06,
    Mailbox.FULL: 0.02,
    Mailbox.POLICY_BLOCKING: 0.03,
}

DISPOSITIONS: Mapping[str, float] = {
    Disposition.SILENT: 0.70,
    Disposition.POSITIVE: 0.04,
    Disposition.MEETING: 0.02,
    Disposition.QUESTION: 0.02,
    Disposition.NEUTRAL: 0.03,
    Disposition.WRONG_PERSON: 0.02,
    Disposition.NEGATIVE: 0.06,
    Disposition.DO_NOT_CONTACT: 0.02,
    Disposition.AUTO_REPLY: 0.06,
    Disposition.UNSUBSCRIBE: 0.03,
}

SALUTATIONS = ("Ms.", "Mr.", "Dr.", "Prof.")
LEAD_SOURCES = ("Web", "Trade Show", "Partner Referral", "Purchased List", "Other")
INDUSTRIES: Mapping[str, float] = {
    "Manufacturing": 0.22,
    "Technology": 0.14,
    "Software": 0.10,
    "Healthcare": 0.14,
    "Financial Services": 0.10,
    "Energy": 0.08,
    "Retail": 0.08,
    "Construction": 0.06,
    "Education": 0.04,
    "Transportation": 0.04,
}


def unit(seed: int, *parts: object) -> float:
    """A number in [0, 1) that looks random and is always the same for the same seed and parts."""
    text = SEPARATOR.join(str(part) for part in (seed, *parts))
    digest = hashlib.md5(text.encode(), usedforsecurity=False).digest()
    return (int.from_bytes(digest[8:], "little") >> (64 - BITS)) / float(2**BITS)


def pick(weights: Mapping[str, float], draw: float) -> str:
    """The option that a number in [0, 1) falls on; the last one where the weights leave a rest."""
    total = 0.0
    for option, weight in weights.items():
        total += weight
        if draw < total:
            return option
    return list(weights)[-1]


def mailbox(seed: int, email: str) -> Mailbox:
    """The true state of the mailbox behind an e-mail address."""
    return Mailbox(pick(MAILBOXES, unit(seed, "mailbox", normal(email))))


def disposition(seed: int, email: str) -> Disposition:
    """What the person behind an e-mail address would do with cold mail."""
    return Disposition(pick(DISPOSITIONS, unit(seed, "disposition", normal(email))))


def industry(seed: int, domain: str) -> str:
    """The true industry of the company that owns a domain."""
    return pick(INDUSTRIES, unit(seed, "industry", domain))


def employee_count(seed: int, domain: str) -> int:
    """The true number of employees of the company that owns a domain: from 4 to 20,000, most of them small."""
    return int(4 * 5000 ** unit(seed, "employees", domain))


def normal(email: str) -> str:
    """An e-mail address as everything compares it: trimmed, lower case."""
    return email.strip().lower()


def unit_sql(seed: int, *expressions: str) -> str:
    """:func:`unit` as a DuckDB expression over string or integer expressions (a literal needs its own quotes)."""
    text = f"concat_ws(chr(31), '{seed}', {', '.join(expressions)})"
    return f"((md5_number_lower({text}) >> {64 - BITS})::double / {2**BITS})"


def pick_sql(weights: Mapping[str, float], draw: str) -> str:
    """:func:`pick` as a DuckDB expression over a number."""
    total = 0.0
    branches = []
    for option, weight in weights.items():
        total += weight
        branches.append(f"when {draw} < {total!r} then '{option}'")
    return f"case {' '.join(branches)} else '{list(weights)[-1]}' end"


def mailbox_sql(seed: int, email: str) -> str:
    """:func:`mailbox` as a DuckDB expression over an e-mail expression."""
    return pick_sql(MAILBOXES, unit_sql(seed, "'mailbox'", f"lower(trim({email}))"))


def disposition_sql(seed: int, email: str) -> str:
    """:func:`disposition` as a DuckDB expression over an e-mail expression."""
    return pick_sql(DISPOSITIONS, unit_sql(seed, "'disposition'", f"lower(trim({email}))"))


def industry_sql(seed: int, domain: str) -> str:
    """:func:`industry` as a DuckDB expression over a domain expression."""
    return pick_sql(INDUSTRIES, unit_sql(seed, "'industry'", domain))
