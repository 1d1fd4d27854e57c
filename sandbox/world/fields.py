"""The objects and fields of each org: types, picklists, formulas, and what the integration user may see and change.

Names are canonical (those of the process documents); an org's own API name, where it differs, is read from the same
block of ``dbt_project.yml`` that the loaders read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from pathlib import Path

import yaml

from sandbox.world.catalog import GBUS, ORGS
from sandbox.world.nature import INDUSTRIES

PROJECT_FILE = Path(__file__).parents[2] / "dbt_project.yml"
SQL_TYPES = {"boolean": "boolean", "date": "date", "datetime": "timestamp"}  # everything else is text


class Access(StrEnum):
    """What field-level security allows the integration user."""

    WRITE = "write"
    READ = "read"
    NONE = "none"


@dataclass(frozen=True)
class Field:
    """One field of one object in one org.

    A computed field has an ``expression``: SQL over ``{Field}`` and ``{Relationship.Field}`` in canonical names. Those
    that Salesforce would show as a formula also have its text.
    """

    name: str
    type: str
    length: int = 0
    access: Access = Access.READ
    values: tuple[str, ...] = ()
    inactive_values: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    relationship: str | None = None
    expression: str | None = None
    formula: str | None = None
    only_in: str | None = None
    is_external_id: bool = False
    api_name: str = ""

    @property
    def sql_type(self) -> str:
        """The column type in DuckDB."""
        return SQL_TYPES.get(self.type, "varchar")

    @property
    def is_stored(self) -> bool:
        """Whether the object's table has a column for it."""
        return self.expression is None


def _text(name: str, length: int = 255) -> Field:
    return Field(name, "string", length)


def _flag(name: str, access: Access = Access.READ) -> Field:
    return Field(name, "boolean", access=access)


def _time(name: str) -> Field:
    return Field(name, "datetime")


def _date(name: str) -> Field:
    return Field(name, "date")


def _reference(name: str, *objects: str, relationship: str | None = None) -> Field:
    return Field(name, "reference", 18, references=objects, relationship=relationship or name.removesuffix("Id"))


def _choice(name: str, *values: str, access: Access = Access.READ, inactive: tuple[str, ...] = ()) -> Field:
    return Field(name, "picklist", 40, access, values, inactive)


OWNER = _reference("OwnerId", "User")
LAST_MODIFIED = (_time("LastModifiedDate"), _reference("LastModifiedById", "User"))
FULL_NAME = Field("Name", "string", 121, expression="trim(concat_ws(' ', {FirstName}, {LastName}))")
IDENTITY = Field("Id", "id", 18)
EMAIL_BOUNCED = (_text("EmailBouncedReason"), _time("EmailBouncedDate"))  # empty: bounce management is not active
LEGACY_ID = Field("Legacy_Id__c", "string", 64, is_external_id=True)  # in the CRM before this one
SYSTEM = (_flag("IsDeleted"), _time("CreatedDate"), _time("SystemModstamp"))
ACCOUNT_TYPES = ("Prospect", "Customer", "Partner", "Other")
OPEN, WORKING, CONVERTED, CLOSED = (
    "Open - Not Contacted",
    "Working - Contacted",
    "Closed - Converted",
    "Closed - Not Converted",
)

OVERALL_HARD_BOUNCED = Field(
    "overall_hard_bounced__c",
    "boolean",
    expression="({pi__pardot_hard_bounced__c} or {external_hard_bounced__c})",
    formula="OR(pi__pardot_hard_bounced__c, external_hard_bounced__c)",
)
COLD_LEAD_ELIGIBLE = Field(
    "Cold_Lead_Eligible__c",
    "boolean",
    expression=(
        "(not {IsConverted} and not {HasOptedOutOfEmail} and not {pi__pardot_hard_bounced__c}"
        " and not {external_hard_bounced__c} and coalesce(trim({Email}), '') != ''"
        " and coalesce({Matched_Account__r.Is_Customer__c}, '') != 'Yes'"
        " and coalesce({Matched_Account__r.Is_Partner__c}, '') != 'Yes')"
    ),
    formula=(
        "AND(NOT(IsConverted), NOT(HasOptedOutOfEmail), NOT(overall_hard_bounced__c), NOT(ISBLANK(Email)),"
        ' NOT(ISPICKVAL(Matched_Account__r.Is_Customer__c, "Yes")),'
        ' NOT(ISPICKVAL(Matched_Account__r.Is_Partner__c, "Yes")))'
    ),
)

OBJECTS: Mapping[str, tuple[Field, ...]] = {
    "Organization": (
        IDENTITY,
        _text("Name", 80),
        _text("InstanceName", 5),
        _flag("IsSandbox"),
        _text("OrganizationType", 40),
        _text("NamespacePrefix", 15),
        _time("TrialExpirationDate"),
        _time("SystemModstamp"),
    ),
    "User": (
        IDENTITY,
        _text("Username", 80),
        _text("Name", 121),
        Field("Email", "email", 128),
        _flag("IsActive"),
        _time("CreatedDate"),
        _time("SystemModstamp"),
    ),
    "Account": (
        IDENTITY,
        _text("Name"),
        Field("Website", "url", 255),
        _choice("Type", *ACCOUNT_TYPES),
        _choice("Industry", *INDUSTRIES),
        _choice("Is_Customer__c", "Yes", "No"),
        _choice("Is_Partner__c", "Yes", "No"),
        OWNER,
        *SYSTEM,
    ),
    "Contact": (
        IDENTITY,
        _reference("AccountId", "Account"),
        _text("FirstName", 40),
        _text("LastName", 80),
        FULL_NAME,
        Field("Email", "email", 80),
        _flag("HasOptedOutOfEmail"),
        *EMAIL_BOUNCED,
        LEGACY_ID,
        OWNER,
        *SYSTEM,
    ),
    "Lead": (
        IDENTITY,
        _text("FirstName", 40),
        _text("LastName", 80),
        FULL_NAME,
        Field("Email", "email", 80),
        _text("Company"),
        _text("Title", 128),
        _text("Country", 80),
        _choice("Industry", *INDUSTRIES),  # provisioned, but locked until legal signs off
        _choice("Status", OPEN, WORKING, CONVERTED, CLOSED),
        _choice("GBU__c", *GBUS),
        OWNER,
        _reference("Matched_Account__c", "Account", relationship="Matched_Account__r"),
        _flag("HasOptedOutOfEmail"),
        *EMAIL_BOUNCED,
        LEGACY_ID,
        _flag("IsConverted"),
        _date("ConvertedDate"),
        _reference("ConvertedContactId", "Contact"),
        _reference("ConvertedAccountId", "Account"),
        _reference("MasterRecordId", "Lead"),
        _flag("pi__pardot_hard_bounced__c"),
        _flag("external_hard_bounced__c", Access.WRITE),
        OVERALL_HARD_BOUNCED,
        COLD_LEAD_ELIGIBLE,
        Field("company_description__c", "textarea", 32_000),  # provisioned, but locked until legal signs off
        Field("pi__comments__c", "textarea", 32_000, Access.NONE),
        replace(_choice("Care_Segment__c", "Hospital", "Clinic", "Practice"), only_in="icare"),
        replace(_text("Core_Territory__c", 20), only_in="core"),
        *SYSTEM,
        *LAST_MODIFIED,
    ),
    "LeadHistory": (
        IDENTITY,
        _reference("LeadId", "Lead"),
        _text("Field"),
        _text("OldValue"),
        _text("NewValue"),
        _reference("CreatedById", "User"),
        _time("CreatedDate"),
        _flag("IsDeleted"),
    ),
    "Campaign": (
        IDENTITY,
        _text("Name", 80),
        _flag("AI_Outreach__c"),
        _choice("GBU__c", *GBUS),
        _choice("Status", "Planned", "In Progress", "Completed", "Aborted"),
        _flag("IsActive"),
        _date("StartDate"),
        _date("EndDate"),
        OWNER,
        *SYSTEM,
    ),
    "CampaignMember": (
        IDENTITY,
        _reference("CampaignId", "Campaign"),
        _reference("LeadId", "Lead"),
        _reference("ContactId", "Contact"),
        _choice("Status", "Sent", "Responded"),
        _flag("HasResponded"),
        _date("FirstRespondedDate"),
        _flag("Has_Replied__c", Access.WRITE),
        _choice(
            "ReplyClassification__c",
            "Positive",
            "Neutral",
            "Negative",
            access=Access.WRITE,
            inactive=("Interested",),
        ),
        *SYSTEM,
        *LAST_MODIFIED,
    ),
    "Task": (
        IDENTITY,
        _reference("WhoId", "Lead", "Contact"),
        OWNER,
        _text("Subject"),
        _choice("Status", "Open", "Completed"),
        _choice("TaskSubtype", "Task", "Call", "Email"),
        _date("ActivityDate"),
        *SYSTEM,
    ),
}


@cache
def fields(org: str, sobject: str) -> Mapping[str, Field]:
    """The fields of an object in an org, by canonical name, each with the org's own API name."""
    own_names = _own_names()[org].get(sobject, {})
    return {
        field.name: replace(field, api_name=own_names.get(field.name, field.name))
        for field in OBJECTS[sobject]
        if field.only_in in (None, org)
    }


@cache
def _own_names() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    configured = yaml.safe_load(PROJECT_FILE.read_text())["vars"]["salesforce_field_names"] or {}
    return {org: configured.get(org) or {} for org in ORGS}
