"""The cadences of the integration document (section 3.4), as data: what each one loads, writes, and when it runs.

``deploy/`` holds the same schedules for systemd and cron; a test compares them. The export of an audience has no
cadence: a person starts it before each launch.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Kind(StrEnum):
    """What a step does."""

    LOAD = "load"
    BUILD = "build"
    NOTICES = "notices"
    PUSH = "push"


# Each kind stands on those with a lower number: a build on all loads, notices and pushes on the build.
STAGES = {Kind.LOAD: 0, Kind.BUILD: 1, Kind.NOTICES: 2, Kind.PUSH: 2}


@dataclass(frozen=True)
class Cadence:
    """One row of the document's table.

    Args:
        document: the row of the table that it stands for.
        owner: who sees to it.
        cron: when it starts, in the scheduler's time zone.
        stale_after: how long ago its last good run may be.
        resume_within: for how long a failed run may be gone on with; afterwards its loads are too old, and all is done.
        loads: the sources that it needs.
        objects: Salesforce's objects that it needs; all if empty.
        sweep: whether all ids and formula values are read; None: when that is due.
        pushes: whose fields it writes afterwards, as ``seeds/write_guards.csv`` groups them.
        notices: whether owners are told of positive replies.
    """

    document: str
    owner: str
    cron: str
    stale_after: timedelta
    resume_within: timedelta
    loads: tuple[str, ...]
    objects: tuple[str, ...] = ()
    sweep: bool | None = None
    pushes: tuple[str, ...] = ()
    notices: bool = False


CADENCES = {
    "replies": Cadence(
        document="Reply sync",
        owner="CRM Admin",
        cron="*/15 * * * *",
        stale_after=timedelta(hours=1),
        resume_within=timedelta(minutes=10),
        loads=("salesforce", "smartlead", "clay", "writeback"),
        objects=("User", "Lead", "Campaign", "CampaignMember", "Task"),
        pushes=("replies",),
        notices=True,
    ),
    "enrichment": Cadence(
        document="Enrichment writeback",
        owner="CRM Admin",
        cron="7-59/15 * * * *",
        stale_after=timedelta(hours=1),
        resume_within=timedelta(minutes=10),
        loads=("salesforce", "clay", "writeback"),
        objects=("Lead", "Campaign", "CampaignMember"),
        pushes=("enrichment",),
    ),
    "bounces": Cadence(
        document="Hard bounce sync",
        owner="CRM Admin",
        cron="30 5 * * *",
        stale_after=timedelta(hours=26),
        resume_within=timedelta(hours=6),
        loads=("salesforce", "smartlead", "writeback"),
        objects=("Lead",),
        pushes=("bounces",),
    ),
    "eligibility": Cadence(
        document="Eligibility flag recalculation",
        owner="Salesforce (formula)",
        cron="40 4 * * *",
        stale_after=timedelta(hours=26),
        resume_within=timedelta(hours=6),
        loads=("salesforce",),
        sweep=True,
    ),
    "full": Cadence(
        document="everything, once a night",
        owner="CRM Admin",
        cron="10 2 * * *",
        stale_after=timedelta(hours=26),
        resume_within=timedelta(hours=6),
        loads=("salesforce", "smartlead", "clay", "writeback"),
        sweep=True,
        pushes=("bounces", "replies", "enrichment"),
        notices=True,
    ),
}


@dataclass(frozen=True)
class Step:
    """One step of a cadence; its name is that of the command which does the same.

    Args:
        kind: what it does.
        target: the source that is loaded, or the cadence whose fields are pushed.
        org: the Salesforce org, for steps that each org takes by itself.
    """

    kind: Kind
    target: str = ""
    org: str | None = None

    @property
    def name(self) -> str:
        """How the run history and alerts call it."""
        return " ".join(word for word in (self.kind.value, self.target, self.org) if word)


def steps_of(cadence: Cadence, orgs: Sequence[str]) -> list[Step]:
    """The steps of a cadence in their order. Each org is loaded and pushed by itself, so that it fails by itself."""
    steps: list[Step] = []
    for source in cadence.loads:
        places: Sequence[str | None] = [*orgs] if source == "salesforce" else (None,)
        steps += [Step(Kind.LOAD, source, org) for org in places]
    steps.append(Step(Kind.BUILD))
    if cadence.notices:
        steps.append(Step(Kind.NOTICES))
    return steps + [Step(Kind.PUSH, group, org) for group in cadence.pushes for org in orgs]


def standing(steps: Sequence[Step], done: AbstractSet[str]) -> set[str]:
    """The names of the done steps that need not be taken again, because all that they stand on is done, too."""
    first_missing = min((STAGES[step.kind] for step in steps if step.name not in done), default=max(STAGES.values()))
    return {step.name for step in steps if step.name in done and STAGES[step.kind] <= first_missing}
