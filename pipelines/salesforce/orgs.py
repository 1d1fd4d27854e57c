"""The orgs and their field names, from ``dbt_project.yml``: loaders, models and writer read the same block (R9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from pydantic import BaseModel, ValidationError

from pipelines.errors import ConfigurationError

ALL_FIELDS = "*"


@dataclass(frozen=True)
class FieldNames:
    """How one org spells the fields, canonical name of the process documents → API name, and which it has besides."""

    org: str
    renamed: dict[str, dict[str, str]]
    extra: dict[str, list[str]] = field(default_factory=dict)

    def extra_fields(self, object_name: str) -> list[str]:
        """API names of further fields that are loaded, beyond those that the models need; ``*`` stands for all."""
        return self.extra.get(object_name, [])

    def api_name(self, object_name: str, name: str) -> str:
        """The org's API name of a canonical field."""
        return self.renamed.get(object_name, {}).get(name, name)

    def api_names(self, object_name: str, fields: Sequence[str]) -> list[str]:
        """The org's API names, in the same order."""
        return [self.api_name(object_name, name) for name in fields]


class _Variables(BaseModel):
    """What this block has to look like."""

    salesforce_orgs: list[str]
    salesforce_field_names: dict[str, dict[str, dict[str, str]] | None]
    salesforce_extra_fields: dict[str, dict[str, list[str]] | None] = {}


def read_field_names(project_dir: Path) -> dict[str, FieldNames]:
    """The field names of each configured org.

    Raises:
        ConfigurationError: the file is missing, has no such block, or something else in it.
    """
    file = project_dir / "dbt_project.yml"
    try:
        variables = _Variables.model_validate(yaml.safe_load(file.read_text())["vars"])
    except (OSError, KeyError, TypeError, yaml.YAMLError):
        raise ConfigurationError(
            f"{file} has no readable vars.salesforce_orgs and vars.salesforce_field_names.",
            next_step="Run the command in the project directory, or set OUTREACH_PROJECT_DIR.",
        ) from None
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigurationError(
            f"{file}: vars.{'.'.join(map(str, first['loc']))} is not as it should be ({first['msg']}).",
            next_step="Correct it; docs/salesforce.md shows what it takes.",
        ) from None
    renamed, extra = variables.salesforce_field_names, variables.salesforce_extra_fields
    return {org: FieldNames(org, renamed.get(org) or {}, extra.get(org) or {}) for org in variables.salesforce_orgs}
