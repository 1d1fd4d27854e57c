"""Salesforce ids (R5): published vectors, and what is no id."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import DataError
from pipelines.salesforce.ids import to_18

VECTORS = [
    "a01M00000062mPgIAI",
    "001M000000qfPySIAU",
    "a0FE000000D6r3FMAR",
    "0F9E000000092w2KAA",
    "a0RE000000IJmcNMAT",
    "a0D30000001n7PiEAI",
]


@pytest.mark.parametrize("record_id", VECTORS)
def test_published_vectors(record_id: str) -> None:
    assert to_18(record_id[:15]) == record_id
    assert to_18(record_id) == record_id


@pytest.mark.parametrize(
    "wrong", ["", "001", "001M000000qfPyS!AU", "001M000000qfPySI", "001M000000qfPyé", "001m000000qfpysIAU"]
)
def test_what_is_no_id_is_refused(wrong: str) -> None:
    with pytest.raises(DataError):
        to_18(wrong)


@given(st.from_regex(r"[A-Za-z0-9]{15}", fullmatch=True))
def test_a_change_of_case_never_goes_unnoticed(record_id: str) -> None:
    complete = to_18(record_id)
    mangled = record_id.swapcase() + complete[15:]
    if mangled[:15] != record_id:
        with pytest.raises(DataError):
            to_18(mangled)
