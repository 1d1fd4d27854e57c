"""The connections of a plan or a push: one reader for each org."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from pipelines.config import Settings
from pipelines.errors import ConfigurationError
from pipelines.salesforce.client import connect
from pipelines.salesforce.orgs import read_field_names
from pipelines.writeback.current import OrgReader


@contextmanager
def readers(settings: Settings, orgs: list[str] | None) -> Iterator[dict[str, OrgReader]]:
    """One reader for each org, all of them by default; connections are closed at the end."""
    names = read_field_names(settings.project_dir)
    if unknown := set(orgs or ()) - set(names):
        raise ConfigurationError(
            f"There is no org '{min(unknown)}'.", next_step=f"Choose from {', '.join(sorted(names))}."
        )
    with ExitStack() as stack:
        yield {
            org: OrgReader(stack.enter_context(connect(org, settings.salesforce_org(org))), names[org])
            for org in orgs or names
        }
