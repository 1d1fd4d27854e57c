"""What may be written where: the only way to a write (R1, R3, R4, R10).

Pure functions over three values of a field: what stood there when the change was planned (``base``), what stands there
now (``current``), and what we want (``wanted``). A :class:`Write` that a policy forbids cannot be made at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

NOT_AVAILABLE = "#N/A"  # in Salesforce's CSV dialect this clears a field; it never travels


class Policy(StrEnum):
    """How a field may be written; the words of ``seeds/field_allowlist.csv``."""

    TRUE_ONLY = "true_only"
    SET_ONCE = "set_once"
    LATEST_WINS = "latest_wins"
    ONLY_IF_BLANK = "only_if_blank"
    NEVER = "never"
    OVERRIDE = "override"  # no word of the allowlist: only a plan that takes back a value brings it, with an approver


class Outcome(StrEnum):
    """How a planned change ended. The list is closed: planned changes = the sum of these, always."""

    APPLIED = "applied"
    ALREADY_EQUAL = "already_equal"
    NOT_BLANK = "not_blank"
    SET_ONCE = "set_once"
    CHANGED_SINCE_PLAN = "changed_since_plan"
    NOT_FOUND = "not_found"
    NOT_READABLE = "not_readable"
    REJECTED = "rejected"  # by Salesforce, or sure to be
    WITHHELD = "withheld"  # by us: allowlist, approval, or a push that was stopped
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
    four_eyes: bool = False

    @cached_property
    def is_active(self) -> bool:
        """Whether the field may travel at all."""
        return self.status == "active" and self.is_writable and self.policy is not Policy.NEVER

    @cached_property
    def is_monotone(self) -> bool:
        """Whether true is all that can be written: in any order, twice, or too late, the end is the same."""
        return self.value_type == "boolean" and self.policy in (Policy.TRUE_ONLY, Policy.SET_ONCE)

    def allows(self, value: FieldValue) -> bool:
        """Whether a value may travel: never false, blank, or a word that clears; true only where that is the rule."""
        if not self.is_active:
            return False
        if self.value_type == "boolean":
            return value is False if self.policy is Policy.OVERRIDE else self.is_monotone and value is True
        is_text = isinstance(value, str) and self.policy is not Policy.TRUE_ONLY
        return is_text and not is_blank(value) and str(value).strip().upper() != NOT_AVAILABLE


@dataclass(frozen=True)
class Present:
    """The record was read and the field is visible; its value may be None."""

    value: FieldValue


@dataclass(frozen=True)
class Missing:
    """The record does not exist, or is not visible to the integration user."""

    why: str = "the record is missing or not visible to the integration user"


@dataclass(frozen=True)
class Unreadable:
    """The record exists, but the field is hidden by field-level security: not the same as blank (R10)."""


Current = Present | Missing | Unreadable


@dataclass(frozen=True)
class Write:
    """The one decision that leads to a request.

    Raises:
        ValueError: the rule forbids the value.
    """

    rule: FieldRule
    value: bool | str

    def __post_init__(self) -> None:
        if not self.rule.allows(self.value):
            raise ValueError(f"policy {self.rule.policy} of {self.rule.object}.{self.rule.field} forbids this value")


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
        return Stop(Outcome.WITHHELD, _why_not_active(rule))
    value = wanted == "true" if rule.value_type == "boolean" else wanted
    if not rule.allows(value):
        return Stop(Outcome.WITHHELD, f"the value is not one that policy {rule.policy} may write")
    if rule.approval_required and not is_approved:
        return Stop(Outcome.WITHHELD, "no approval is valid for this campaign today")
    if isinstance(current, Missing):
        return Stop(Outcome.NOT_FOUND, current.why)
    if isinstance(current, Unreadable):
        return Stop(Outcome.NOT_READABLE, "the field is hidden from the integration user; hidden is not blank")
    return _overruled(rule.policy, base, current.value, value) or Write(rule, value)


def is_blank(value: FieldValue) -> bool:
    """None, the empty string and white space are blank; false is not."""
    return value is None or (isinstance(value, str) and not value.strip())


def _why_not_active(rule: FieldRule | None) -> str:
    if rule is None:
        return "the allowlist does not list this field of this object"
    if not rule.is_writable or rule.policy is Policy.NEVER:
        return "the allowlist says that this field is never written"
    return f"the field's status is {rule.status}, not active"


def _overruled(policy: Policy, base: FieldValue, current: FieldValue, value: bool | str) -> Stop | None:
    """Why what stands there now goes before our value; None if it does not."""
    if current == value:
        return Stop(Outcome.ALREADY_EQUAL, "Salesforce already shows this value")
    if policy is Policy.ONLY_IF_BLANK and not is_blank(current):
        return Stop(Outcome.NOT_BLANK, "somebody has filled the field")
    if policy is Policy.SET_ONCE and current is not False and not is_blank(current):
        return Stop(Outcome.SET_ONCE, "the field is set already, and is set once")
    if policy in (Policy.LATEST_WINS, Policy.OVERRIDE) and current != base:
        return Stop(Outcome.CHANGED_SINCE_PLAN, "the value has changed since the plan was made")
    return None
