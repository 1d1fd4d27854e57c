"""What may be written where: the only way to a write (R1, R3, R4, R10).

Pure functions over three values of a field: what stood there when the change was planned (``base``), what stands there
now (``current``), and what we want (``wanted``).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

NOT_AVAILABLE = "#N/A"  # in Salesforce's CSV dialect this clears a field; it never travels


class Policy(StrEnum):
    """How a field may be written; the words of ``seeds/field_allowlist.csv``."""

    TO_TRUE_ONLY = "to_true_only"
    SET_ONCE_TRUE = "set_once_true"
    LATEST_WINS = "latest_wins"
    ONLY_IF_BLANK = "only_if_blank"
    NEVER = "never"


class Outcome(StrEnum):
    """How a planned change ended. Planned changes = the sum of these, always."""

    APPLIED = "applied"
    ALREADY_EQUAL = "already_equal"
    NOT_BLANK = "not_blank"
    CHANGED_SINCE_PLAN = "changed_since_plan"
    NOT_FOUND = "not_found"
    NOT_READABLE = "not_readable"
    REJECTED = "rejected"
    WITHHELD = "withheld"
    NOT_ALLOWED = "not_allowed"
    UNKNOWN = "unknown"


FieldValue = bool | str | None


@dataclass(frozen=True)
class FieldRule:
    """One row of the allowlist."""

    object: str
    field: str
    direction: str
    status: str
    is_writable: bool
    policy: Policy
    value_type: str
    approval_required: bool
    owner: str

    @property
    def is_active(self) -> bool:
        """Whether the field may travel at all."""
        return self.status == "active" and self.is_writable and self.policy is not Policy.NEVER


@dataclass(frozen=True)
class Present:
    """The record was read and the field is visible; its value may be None."""

    value: FieldValue


@dataclass(frozen=True)
class Missing:
    """The record does not exist, or is not visible to the integration user."""


@dataclass(frozen=True)
class Unreadable:
    """The record exists, but the field is hidden by field-level security: not the same as blank (R10)."""


Current = Present | Missing | Unreadable


@dataclass(frozen=True)
class Write:
    """The one decision that leads to a request."""

    value: bool | str


@dataclass(frozen=True)
class Stop:
    """Nothing is written, for this reason."""

    outcome: Outcome
    why: str


def decide(
    rule: FieldRule | None,
    *,
    base: FieldValue,
    current: Current,
    wanted: str,
    is_approved: bool,
) -> Write | Stop:
    """Whether to write ``wanted``.

    Args:
        rule: the allowlist's row for the object and field, None if it has none.
        base: the value when the change was planned.
        current: what Salesforce shows now.
        wanted: the new value, as text.
        is_approved: whether an approval covers the field, campaign and day; matters only where the rule demands it.
    """
    if rule is None or not rule.is_active:
        return Stop(*_why_not_allowed(rule))
    value = _typed(rule, wanted)
    if value is None:
        return Stop(Outcome.NOT_ALLOWED, f"the value is not one that policy {rule.policy} may write")
    if rule.approval_required and not is_approved:
        return Stop(Outcome.WITHHELD, "no approval is valid for this campaign today")
    if not isinstance(current, Present):
        return _why_not_seen(current)
    return _by_policy(rule.policy, base, current.value, value)


def is_blank(value: FieldValue) -> bool:
    """None, the empty string and white space are blank; false is not."""
    return value is None or (isinstance(value, str) and not value.strip())


def _why_not_allowed(rule: FieldRule | None) -> tuple[Outcome, str]:
    if rule is None:
        return Outcome.NOT_ALLOWED, "the allowlist does not list this field of this object"
    if not rule.is_writable or rule.policy is Policy.NEVER:
        return Outcome.NOT_ALLOWED, "the allowlist says that this field is never written"
    return Outcome.WITHHELD, f"the field's status is {rule.status}, not active"


def _why_not_seen(current: Missing | Unreadable) -> Stop:
    if isinstance(current, Missing):
        return Stop(Outcome.NOT_FOUND, "the record is missing or not visible to the integration user")
    return Stop(Outcome.NOT_READABLE, "the field is hidden from the integration user; hidden is not blank")


def _typed(rule: FieldRule, wanted: str) -> bool | str | None:
    """The value to write, or None where it must not travel: false, blank, or a word that clears."""
    if rule.policy in {Policy.TO_TRUE_ONLY, Policy.SET_ONCE_TRUE}:
        return True if wanted == "true" and rule.value_type == "boolean" else None
    if rule.value_type != "text" or is_blank(wanted) or wanted.strip().upper() == NOT_AVAILABLE:
        return None
    return wanted


def _by_policy(policy: Policy, base: FieldValue, current: FieldValue, value: bool | str) -> Write | Stop:
    if current == value:
        return Stop(Outcome.ALREADY_EQUAL, "Salesforce already shows this value")
    if policy is Policy.ONLY_IF_BLANK and not is_blank(current):
        return Stop(Outcome.NOT_BLANK, "somebody has filled the field")
    if policy is Policy.LATEST_WINS and current != base:
        return Stop(Outcome.CHANGED_SINCE_PLAN, "the value has changed since the plan was made")
    return Write(value)
