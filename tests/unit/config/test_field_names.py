"""The block of dbt_project.yml that names orgs and fields: what is wrong with it is told."""

from pathlib import Path

import pytest

from pipelines.errors import ConfigurationError
from pipelines.salesforce.orgs import read_field_names

START = "vars:\n  salesforce_orgs: [icare]\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "has no readable vars"),
        ("name: other", "has no readable vars"),
        ("vars: [", "has no readable vars"),
        ("vars:\n  salesforce_orgs: [icare]", "salesforce_field_names is not as it should be"),
        (START + "  salesforce_field_names: {icare: {Lead: ['*']}}", r"icare\.Lead is not as it should be"),
        (START + "  salesforce_field_names: {}\n  salesforce_extra_fields: {icare: {Lead: x}}", r"icare\.Lead is not"),
    ],
)
def test_a_project_file_that_is_not_as_it_should_be(tmp_path: Path, content: str | None, message: str) -> None:
    if content is not None:
        (tmp_path / "dbt_project.yml").write_text(content)
    with pytest.raises(ConfigurationError, match=message):
        read_field_names(tmp_path)
