"""The write policies (R1, R3, R4, R10), over all values that can occur."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import ConfigurationError
from pipelines.writeback.allowlist import ALLOWLIST_FILE, read_allowlist
from pipelines.writeback.policy import (
    Current,
    FieldRule,
    Missing,
    Outcome,
    Policy,
    Present,
    Stop,
    Unreadable,
    Write,
    decide,
    is_blank,
)

HAS_REPLIED = FieldRule(
    "CampaignMember",
    "Has_Replied__c",
    "Clay → SFDC",
    "active",
    True,
    Policy.SET_ONCE,
    "boolean",
    False,
    "CRM Admin",
)
HARD_BOUNCED = replace(HAS_REPLIED, object="Lead", field="external_hard_bounced__c", policy=Policy.TRUE_ONLY)
CLASSIFICATION = replace(HAS_REPLIED, field="ReplyClassification__c", policy=Policy.LATEST_WINS, value_type="text")
INDUSTRY = FieldRule("Lead", "Industry", "Clay → SFDC", "active", True, Policy.ONLY_IF_BLANK, "text", True, "DPO")
RULES = [HAS_REPLIED, HARD_BOUNCED, CLASSIFICATION, INDUSTRY]

values = st.one_of(st.none(), st.booleans(), st.text(max_size=8), st.sampled_from(["", " ", "Positive", "#N/A"]))
currents = st.one_of(values.map(Present), st.just(Missing()), st.just(Unreadable()))
words = ["true", "false", "", "#N/A", " #n/a", "\n", "Positive"]
wanted_values = st.one_of(st.sampled_from(words), st.text(max_size=8))
rules = st.one_of(
    st.none(),
    st.builds(
        replace,
        st.sampled_from(RULES),
        status=st.sampled_from(["active", "pending_legal"]),
        is_writable=st.booleans(),
        policy=st.sampled_from([policy for policy in Policy if policy is not Policy.OVERRIDE]),
        value_type=st.sampled_from(["boolean", "text"]),
    ),
)


@given(rules, values, currents, wanted_values, st.booleans())
def test_what_is_written_never_clears_and_never_says_false(
    rule: FieldRule | None, base: object, current: Current, wanted: str, is_approved: bool
) -> None:
    decision = decide(rule, base=base, current=current, wanted=wanted, is_approved=is_approved)
    if isinstance(decision, Write):
        assert decision.value is not False
        assert not is_blank(decision.value)
        assert str(decision.value).strip().upper() != "#N/A"


@given(rules, values, currents, wanted_values, st.booleans())
def test_only_active_writable_fields_are_written(
    rule: FieldRule | None, base: object, current: Current, wanted: str, is_approved: bool
) -> None:
    decision = decide(rule, base=base, current=current, wanted=wanted, is_approved=is_approved)
    if rule is None or rule.status != "active" or not rule.is_writable or rule.policy is Policy.NEVER:
        assert isinstance(decision, Stop)
        assert decision.outcome is Outcome.WITHHELD


@given(rules, values, st.sampled_from([Missing(), Unreadable()]), wanted_values)
def test_what_cannot_be_read_is_not_blank(rule: FieldRule | None, base: object, current: Current, wanted: str) -> None:
    assert isinstance(decide(rule, base=base, current=current, wanted=wanted, is_approved=True), Stop)


@given(values, st.text())
def test_only_if_blank_never_overwrites(value: object, wanted: str) -> None:
    decision = decide(INDUSTRY, base=None, current=Present(value), wanted=wanted, is_approved=True)
    if not is_blank(value):
        assert isinstance(decision, Stop)


@given(st.sampled_from([HAS_REPLIED, HARD_BOUNCED]), wanted_values)
def test_a_true_that_stands_is_never_touched(rule: FieldRule, wanted: str) -> None:
    assert isinstance(decide(rule, base=None, current=Present(True), wanted=wanted, is_approved=True), Stop)


@given(st.sampled_from(RULES), values, currents, wanted_values)
def test_deciding_again_after_the_write_stops(rule: FieldRule, base: object, current: Current, wanted: str) -> None:
    first = decide(rule, base=base, current=current, wanted=wanted, is_approved=True)
    if isinstance(first, Write):
        again = decide(rule, base=base, current=Present(first.value), wanted=wanted, is_approved=True)
        assert again == Stop(Outcome.ALREADY_EQUAL, "Salesforce already shows this value")


@given(rules, st.one_of(values, st.integers()))
def test_a_forbidden_write_cannot_be_made(rule: FieldRule | None, value: object) -> None:
    """Whatever a caller tries: no false, blank or clearing value, and nothing for a field that is not active."""
    if rule is None:
        return
    try:
        write = Write(rule, value)
    except ValueError:
        return
    assert rule.is_active
    assert write.value is True or (isinstance(write.value, str) and write.value.strip().upper() not in {"", "#N/A"})
    assert (write.value is True) == rule.is_monotone


@given(st.sampled_from(RULES), values, values, wanted_values)
def test_the_moment_does_not_matter_to_monotone_fields(
    rule: FieldRule, base: object, current: object, wanted: str
) -> None:
    """Why they need no lock: what stood there when planning decides nothing, and what may be written is one value."""
    if rule.is_monotone:
        one = decide(rule, base=base, current=Present(current), wanted=wanted, is_approved=True)
        other = decide(rule, base=None, current=Present(current), wanted=wanted, is_approved=True)
        assert one == other
        assert isinstance(one, Stop) or one.value is True


@given(values, values, wanted_values)
def test_latest_wins_only_over_the_value_that_was_planned_for(base: object, current: object, wanted: str) -> None:
    decision = decide(CLASSIFICATION, base=base, current=Present(current), wanted=wanted, is_approved=True)
    if isinstance(decision, Write):
        assert current == base


@given(values, wanted_values)
def test_what_is_set_once_is_never_set_again(current: object, wanted: str) -> None:
    text = replace(HAS_REPLIED, value_type="text")
    decision = decide(text, base=current, current=Present(current), wanted=wanted, is_approved=True)
    if isinstance(decision, Write):
        assert current is False or is_blank(current)


@given(rules, values, currents, wanted_values, st.booleans())
def test_every_decision_is_a_write_or_one_outcome_that_is_not_applied(
    rule: FieldRule | None, base: object, current: Current, wanted: str, is_approved: bool
) -> None:
    decision = decide(rule, base=base, current=current, wanted=wanted, is_approved=is_approved)
    assert isinstance(decision, Write) or decision.outcome not in {Outcome.APPLIED, Outcome.UNKNOWN}


def outcome(rule: FieldRule, current: Current, wanted: str, *, base: object = None, is_approved: bool = True) -> object:
    decision = decide(rule, base=base, current=current, wanted=wanted, is_approved=is_approved)
    return decision.outcome if isinstance(decision, Stop) else decision.value


@pytest.mark.parametrize(
    ("rule", "current", "wanted", "base", "expected"),
    [
        (HAS_REPLIED, Present(False), "true", False, True),
        (HAS_REPLIED, Present(None), "true", None, True),
        (HAS_REPLIED, Present(False), "false", True, Outcome.WITHHELD),
        (HARD_BOUNCED, Present(False), "TRUE", False, Outcome.WITHHELD),
        (replace(HAS_REPLIED, value_type="text"), Present("Ann"), "Bob", "Ann", Outcome.SET_ONCE),
        (CLASSIFICATION, Present(None), "Positive", None, "Positive"),
        (CLASSIFICATION, Present("Neutral"), "Positive", "Neutral", "Positive"),
        (CLASSIFICATION, Present("Negative"), "Positive", "Neutral", Outcome.CHANGED_SINCE_PLAN),
        (CLASSIFICATION, Present("Positive"), "Positive", "Neutral", Outcome.ALREADY_EQUAL),
        (INDUSTRY, Present("  "), "Energy", None, "Energy"),
        (INDUSTRY, Present("Retail"), "Energy", None, Outcome.NOT_BLANK),
        (INDUSTRY, Missing(), "Energy", None, Outcome.NOT_FOUND),
        (INDUSTRY, Unreadable(), "Energy", None, Outcome.NOT_READABLE),
    ],
)
def test_ordinary_cases(rule: FieldRule, current: Current, wanted: str, base: object, expected: object) -> None:
    assert outcome(rule, current, wanted, base=base) == expected


def test_without_a_valid_approval_the_field_is_withheld() -> None:
    assert outcome(INDUSTRY, Present(None), "Energy", is_approved=False) == Outcome.WITHHELD


def test_pending_legal_is_withheld_even_with_an_approval() -> None:
    pending = replace(INDUSTRY, status="pending_legal")
    assert outcome(pending, Present(None), "Energy", is_approved=True) == Outcome.WITHHELD


@given(st.sampled_from(RULES), values, currents, wanted_values)
def test_an_override_takes_back_our_own_value_only_and_clears_nothing(
    rule: FieldRule, base: object, current: Current, wanted: str
) -> None:
    override = replace(rule, policy=Policy.OVERRIDE)
    decision = decide(override, base=base, current=current, wanted=wanted, is_approved=True)
    assert not override.is_monotone
    if isinstance(decision, Write):
        assert current == Present(base)
        assert decision.value is False if rule.value_type == "boolean" else not is_blank(decision.value)


def test_the_allowlist_cannot_say_override(tmp_path: Path) -> None:
    (tmp_path / "seeds").mkdir()
    listed = Path(ALLOWLIST_FILE).read_text(encoding="utf-8").replace("set_once", "override")
    (tmp_path / ALLOWLIST_FILE).write_text(listed, encoding="utf-8")
    with pytest.raises(ConfigurationError, match="'override' is not one of"):
        read_allowlist(tmp_path)
