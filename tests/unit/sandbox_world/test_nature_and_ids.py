"""Fate and ids: the Python and the DuckDB form must give the same value, because services use either."""

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.world import catalog, ids, nature

EMAILS = ["anna.schmidt@muster.example", " Anna.Schmidt@Muster.Example", "ζωή@ελλάδα.example", "o'brien@x.example"]


@pytest.mark.parametrize(
    ("short", "suffix"),
    [
        ("a01M00000062mPg", "IAI"),
        ("001M000000qfPyS", "IAU"),
        ("a0FE000000D6r3F", "MAR"),
        ("0F9E000000092w2", "KAA"),
        ("a0RE000000IJmcN", "MAT"),
        ("a0D30000001n7Pi", "EAI"),
    ],
)
def test_checksum_of_published_ids(short: str, suffix: str) -> None:
    assert ids.to_18(short) == short + suffix
    assert ids.is_well_formed(short + suffix)
    assert not ids.is_well_formed(short.swapcase() + suffix)


@given(st.integers(0, 999_999_999), st.sampled_from(sorted(ids.KEY_PREFIXES)), st.sampled_from(catalog.ORGS))
def test_id_in_sql_equals_id_in_python(number: int, sobject: str, org: str) -> None:
    in_sql = duckdb.sql(f"select {ids.salesforce_id_sql(sobject, org, str(number))}").fetchone()
    assert in_sql == (ids.salesforce_id(sobject, org, number),)


def test_ids_that_differ_only_in_case_occur() -> None:
    zero, one = (ids.salesforce_id("Lead", "core", number)[:15] for number in (0, 1))
    assert zero != one
    assert zero.lower() == one.lower()


@pytest.mark.parametrize("email", EMAILS)
def test_fate_in_sql_equals_fate_in_python(email: str) -> None:
    row = duckdb.execute(
        f"""select {nature.unit_sql(7, "'x'", "$email")}, {nature.mailbox_sql(7, "$email")},
            {nature.disposition_sql(7, "$email")}, {nature.industry_sql(7, "$email")}""",
        {"email": email},
    ).fetchone()
    assert row == (
        nature.unit(7, "x", email),
        nature.mailbox(7, email),
        nature.disposition(7, email),
        nature.industry(7, email),
    )


def test_fate_follows_the_person_not_the_spelling() -> None:
    assert nature.mailbox(7, EMAILS[0]) == nature.mailbox(7, EMAILS[1])
    assert nature.disposition(7, EMAILS[0]) == nature.disposition(7, EMAILS[1])


def test_every_fate_occurs_about_as_often_as_its_weight() -> None:
    emails = [f"p{number}@x.example" for number in range(5_000)]
    for weights, draw in ((nature.MAILBOXES, nature.mailbox), (nature.DISPOSITIONS, nature.disposition)):
        drawn = [draw(7, email) for email in emails]
        assert sum(weights.values()) == pytest.approx(1)
        for option, weight in weights.items():
            assert drawn.count(option) / len(emails) == pytest.approx(weight, abs=0.02)
    assert [nature.mailbox(7, email) for email in emails] != [nature.mailbox(8, email) for email in emails]
