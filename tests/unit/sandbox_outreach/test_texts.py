"""The simulated texts against the reviewed rules: what a reader finds clear, the rules must read right."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from sandbox.smartlead.texts import AUTOMATIC, CUT_AT, NOTICES, REPLIES, notice_text

SEEDS = Path(__file__).parents[3] / "seeds"
ADDRESS = re.compile(r"[^ <>():;,]+@[^ <>():;,]+")
EMAILS = ("a.b@x.example", "maximiliane.hohenstein@a-rather-long-company-name.example")


def rules(name: str) -> list[dict[str, str]]:
    with (SEEDS / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def bounce_class(text: str) -> str:
    for rule in sorted(rules("bounce_rules"), key=lambda rule: int(rule["priority"])):
        if re.search(rule["pattern"], ADDRESS.sub("(address)", text), re.IGNORECASE):
            return rule["bounce_class"]
    return "unclear"


def looks_automatic(subject: str, body: str) -> bool:
    fields = {"subject": subject, "body_preview": body}
    return any(
        re.search(rule["pattern"], fields[rule["field"]], re.IGNORECASE) for rule in rules("automatic_reply_rules")
    )


@pytest.mark.parametrize("kind", NOTICES)
def test_notices_are_cut_and_still_read_right(kind: str) -> None:
    seen = {notice_text(7, kind, email, str(key)) for email in EMAILS for key in range(100)}
    assert len(seen) >= len(NOTICES[kind])
    assert all(len(text) <= CUT_AT for text in seen)
    assert {bounce_class(text) for text in seen} == {kind}


def test_no_status_code_survives_in_the_commonest_hard_bounce() -> None:
    texts = [notice_text(7, "hard", EMAILS[1], str(key)) for key in range(100)]
    assert not any("5.1.1 " in text for text in texts if text.startswith("**"))


@pytest.mark.parametrize(("heading", "body"), AUTOMATIC)
def test_absence_notices_look_automatic(heading: str, body: str) -> None:
    assert looks_automatic(heading.format(subject="Quick question"), body)


@pytest.mark.parametrize("text", [text for texts in REPLIES.values() for text in texts])
def test_what_people_write_looks_neither_automatic_nor_like_a_bounce(text: str) -> None:
    assert not looks_automatic("Re: Quick question", text)
    assert bounce_class(text) == "unclear"
