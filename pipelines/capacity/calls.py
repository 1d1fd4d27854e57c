"""How many calls each step makes for how many records: the same pages as the loaders and the push, only counted."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from pipelines.capacity.volume import Volume
from pipelines.salesforce.bulk import RECORDS_PER_PAGE
from pipelines.salesforce.client import RETRIEVE_LIMIT, UPDATE_LIMIT
from pipelines.salesforce.objects import SalesforceObject
from pipelines.smartlead.account import MAILS_PER_PAGE, RECORDS_PER_LIST_PAGE

OF_EACH_LOAD = 1  # which org and user this is; signing in does not count
BULK_CALLS = 4  # creating the job, asking whether it is ready, once more before it is deleted, and deleting it
CANARY_CALLS = 4


def smartlead_pages(records: int, limit: int) -> int:
    """Pages of a list that may shift while it is read: each begins with the last record of the one before."""
    return max(1, ceil((records - 1) / (limit - 1)))


def smartlead_poll(volume: Volume) -> int:
    """Calls of one poll of Smartlead, which reads every campaign."""
    size = volume.assumed.leads_per_campaign
    full, rest = divmod(volume.roster, size)
    account = 2 + smartlead_pages(volume.mailboxes, RECORDS_PER_LIST_PAGE)  # the campaigns, the categories, mailboxes
    return account + full * _campaign(volume, size) + (_campaign(volume, rest) if rest else 0)


def _campaign(volume: Volume, leads: int) -> int:
    """Calls that read one campaign: its sequences, its analytics, and pages of leads, mails and messages."""
    mails = ceil(leads * volume.mails_read_again_per_lead)
    mailed_today = ceil(leads * volume.mails_per_lead_and_day)
    lists = smartlead_pages(leads, RECORDS_PER_LIST_PAGE) + smartlead_pages(mailed_today, RECORDS_PER_LIST_PAGE)
    return 2 + lists + smartlead_pages(mails, MAILS_PER_PAGE)


def salesforce_reading(records: int, bulk_from_records: int) -> int:
    """Calls that read so many records: pages by REST, or, from so many on, a question for their number and a job."""
    if records < bulk_from_records:
        return max(1, ceil(records / RETRIEVE_LIMIT))
    return 1 + BULK_CALLS + ceil(records / RECORDS_PER_PAGE)


def salesforce_load(
    objects: Sequence[SalesforceObject], changed: int, swept: int, *, sweep: bool, bulk_from_records: int
) -> int:
    """Calls of one load of an org.

    Args:
        objects: what it reads.
        changed: how many leads have changed, and as many campaign members; of the others, a page holds what changed.
        swept: how many leads there are, and as many campaign members.
        sweep: whether all ids and formulas are read as well.
        bulk_from_records: from how many records on Bulk is used.
    """
    calls = OF_EACH_LOAD
    for one in objects:
        is_large = one.name in {"Lead", "CampaignMember"}
        described_and_window = 2
        calls += described_and_window + salesforce_reading(changed if is_large else 1, bulk_from_records)
        calls += salesforce_reading(swept if is_large else 1, bulk_from_records) if sweep else 0
        calls += one.has_deletes
    return calls


def salesforce_push(records: int, *, is_guarded: bool) -> int:
    """Calls that write so many records of one kind; guarded ones are read again right before each update."""
    if records == 0:
        return 0
    updates = ceil(records / UPDATE_LIMIT)
    reads = updates if is_guarded else ceil(records / RETRIEVE_LIMIT)
    return reads + updates + CANARY_CALLS
