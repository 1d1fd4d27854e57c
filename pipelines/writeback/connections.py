"""The connections of a plan or a push: one destination for each Salesforce org, and HubSpot if it is configured."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from pipelines.config import Settings
from pipelines.errors import ConfigurationError
from pipelines.hubspot.client import HubSpotClient
from pipelines.salesforce.client import connect
from pipelines.salesforce.orgs import read_field_names
from pipelines.writeback import hubspot
from pipelines.writeback.current import OrgReader
from pipelines.writeback.destination import Destination


@contextmanager
def readers(settings: Settings, orgs: list[str] | None) -> Iterator[dict[str, Destination]]:
    """The destinations that are named, all by default; connections are closed at the end."""
    names = read_field_names(settings.project_dir)
    known = [*names, *([hubspot.NAME] if settings.hubspot else [])]
    if unknown := set(orgs or ()) - set(known):
        raise ConfigurationError(
            f"There is no org '{min(unknown)}'.", next_step=f"Choose from {', '.join(sorted(known))}."
        )
    with ExitStack() as stack:
        destinations: dict[str, Destination] = {}
        for name in orgs or known:
            if name == hubspot.NAME and settings.hubspot:
                destinations[name] = hubspot.HubSpotContacts(stack.enter_context(HubSpotClient(settings.hubspot)))
            else:
                client = stack.enter_context(connect(name, settings.salesforce_org(name)))
                destinations[name] = OrgReader(client, names[name])
        yield destinations
