"""Loading the Salesforce orgs into ``raw_salesforce_<org>``: what changed, and now and then all ids and formulas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rich.progress import Progress

from pipelines.config import Settings
from pipelines.errors import ConfigurationError, OutreachError, PartialFailureError
from pipelines.landing import forget, land, resource_states
from pipelines.salesforce.bulk import BulkJobs
from pipelines.salesforce.client import connect
from pipelines.salesforce.objects import OBJECTS, SalesforceObject
from pipelines.salesforce.org_reader import OrgReader
from pipelines.salesforce.orgs import FieldNames, read_field_names


@dataclass(frozen=True)
class OrgLoad:
    """What one load of one org did: rows landed by table, and what its reader should know."""

    rows: dict[str, int]
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Wanted:
    """What a load is to read: which objects, whether to sweep (None: when it is due), which objects from scratch."""

    objects: list[SalesforceObject]
    sweep: bool | None
    refresh: list[SalesforceObject]


def load_salesforce(
    settings: Settings,
    orgs: Sequence[str] | None = None,
    progress: Progress | None = None,
    *,
    objects: Sequence[str] = (),
    sweep: bool | None = None,
    refresh: Sequence[str] = (),
) -> dict[str, OrgLoad]:
    """Load the given orgs, all configured ones by default.

    Each org stands on its own, and in it each object: when one fails, the others are loaded whole. The caller holds
    the warehouse lock.

    Args:
        settings: where the warehouse is and how to reach the orgs.
        orgs: names of orgs.
        progress: where to show progress.
        objects: Salesforce's names of objects, all by default.
        sweep: whether all ids and formula values are read too; by default when the last time is long enough ago.
        refresh: objects to read anew from the beginning, with their fields and types of today.

    Raises:
        OutreachError: the only org asked for failed, or the only object of it that did.
        PartialFailureError: some of several orgs or objects failed; names each with its reason.
    """
    names = read_field_names(settings.project_dir)
    wanted = Wanted(_objects(objects) or list(OBJECTS), sweep, _objects(refresh))
    loaded: dict[str, OrgLoad] = {}
    failed: dict[str, OutreachError] = {}
    for org in orgs or list(names):
        try:
            loaded[org] = _load_org(settings, names.get(org, FieldNames(org, {})), progress, wanted)
        except OutreachError as error:
            failed[org] = error
    if failed:
        raise _failure(loaded, failed)
    return loaded


def _load_org(settings: Settings, names: FieldNames, progress: Progress | None, wanted: Wanted) -> OrgLoad:
    connection = settings.salesforce_org(names.org)
    dataset = f"raw_salesforce_{names.org}"
    if wanted.refresh:
        forget(settings, dataset, [table for one in wanted.refresh for table in (one.table, one.sweep.table)])
    states = resource_states(settings, dataset)
    with connect(names.org, connection) as client:
        jobs = BulkJobs(client, settings.data_dir / "dlt" / f"{dataset}_bulk_jobs.json")
        reader = OrgReader(client, names, connection, jobs, states, progress)
        reader.plan(wanted.objects, sweep=wanted.sweep)
        rows = land(settings, dataset, reader.resources())
        jobs.delete_except(reader.unfinished)
        if reader.failed:
            raise _objects_failure(names.org, reader.failed)
        return OrgLoad(rows, [*reader.notes, f"{client.quota}."])


def _objects(names: Sequence[str]) -> list[SalesforceObject]:
    known = {one.name: one for one in OBJECTS}
    if unknown := sorted(set(names) - set(known)):
        raise ConfigurationError(
            f"{', '.join(unknown)} is not loaded from Salesforce.", next_step=f"The objects are {', '.join(known)}."
        )
    return [known[name] for name in names]


def _objects_failure(org: str, failed: Mapping[str, OutreachError]) -> OutreachError:
    """One error for the objects of an org that could not be loaded; alike reasons are told once."""
    first = next(iter(failed.values()))
    reasons = list(dict.fromkeys(error.message for error in failed.values()))
    next_steps = list(dict.fromkeys(error.next_step for error in failed.values() if error.next_step))
    rest = "" if len(failed) == len(OBJECTS) else " Its other objects were loaded."
    failure = PartialFailureError(
        f"{org}: {', '.join(failed)} could not be loaded. {' '.join(reasons)}{rest}", next_step=" ".join(next_steps)
    )
    failure.exit_code = first.exit_code
    return failure


def _failure(loaded: Mapping[str, OrgLoad], failed: Mapping[str, OutreachError]) -> OutreachError:
    if len(failed) == 1 and not loaded:
        return next(iter(failed.values()))
    reasons = " ".join(f"{org}: {error.message}" for org, error in failed.items())
    next_steps = " ".join(dict.fromkeys(error.next_step for error in failed.values() if error.next_step))
    whole = f" Loaded whole: {', '.join(loaded)}." if loaded else ""
    failure = PartialFailureError(f"Not every org could be loaded. {reasons}{whole}", next_step=next_steps or None)
    if not loaded:
        failure.exit_code = next(iter(failed.values())).exit_code
    return failure
