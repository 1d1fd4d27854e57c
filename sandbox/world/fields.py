"""The objects and fields of each org: types, picklists, formulas, and what the integration user may see and change.

Names are canonical (those of the process documents); an org's own API name, where it differs, is read from the same
block of ``dbt_project.yml`` that the loaders read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import yaml

from sandbox.world.catalog import GBUS, ORGS
from sandbox.world.field import Access, Field, choice, day, flag, moment, number, reference, text
from sandbox.world.nature import INDUSTRIES, LEAD_SOURCES, SALUTATIONS
from sandbox.world.setup import SETUP_OBJECTS

PROJECT_FILE = Path(__file__).parents[2] / "dbt_project.yml"

OWNER = reference("OwnerId", "User")
LAST_MODIFIED = (moment("LastModifiedDate"), reference("LastModifiedById", "User"))
FULL_NAME = Field("Name", "string", 121, expression="trim(concat_ws(' ', {FirstName}, {LastName}))")
IDENTITY = Field("Id", "id", 18)
EMAIL_BOUNCED = (text("EmailBouncedReason"), moment("EmailBouncedDate"))  # empty: bounce management is not active
LEGACY_ID = Field("Legacy_Id__c", "string", 64, is_external_id=True)  # in the CRM before this one
SYSTEM = (flag("IsDeleted"), moment("CreatedDate"), moment("SystemModstamp"))
ACCOUNT_TYPES = ("Prospect", "Customer", "Partner", "Other")
OPEN_STAGE, WON, LOST = STAGES = ("Qualification", "Closed Won", "Closed Lost")
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
        text("Name", 80),
        text("InstanceName", 5),
        flag("IsSandbox"),
        text("OrganizationType", 40),
        text("NamespacePrefix", 15),
        moment("TrialExpirationDate"),
        moment("SystemModstamp"),
    ),
    "User": (
        IDENTITY,
        text("Username", 80),
        text("Name", 121),
        Field("Email", "email", 128),
        flag("IsActive"),
        reference("ProfileId", "Profile"),
        reference("UserRoleId", "UserRole"),
        moment("CreatedDate"),
        moment("SystemModstamp"),
    ),
    "Account": (
        IDENTITY,
        text("Name"),
        Field("Website", "url", 255),
        choice("Type", *ACCOUNT_TYPES),
        choice("Industry", *INDUSTRIES),
        choice("Is_Customer__c", "Yes", "No"),
        choice("Is_Partner__c", "Yes", "No"),
        OWNER,
        *SYSTEM,
        *LAST_MODIFIED,
    ),
    "Opportunity": (
        IDENTITY,
        reference("AccountId", "Account"),
        text("Name", 120),
        choice("StageName", *STAGES),
        flag("IsClosed"),
        flag("IsWon"),
        day("CloseDate"),
        replace(number("Amount", "currency", 18, 2), access=Access.NONE),  # nobody's business here
        OWNER,
        *SYSTEM,
        *LAST_MODIFIED,
    ),
    "Contact": (
        IDENTITY,
        reference("AccountId", "Account"),
        text("FirstName", 40),
        text("LastName", 80),
        FULL_NAME,
        Field("Email", "email", 80),
        flag("HasOptedOutOfEmail"),
        *EMAIL_BOUNCED,
        LEGACY_ID,
        OWNER,
        *SYSTEM,
    ),
    "Lead": (
        IDENTITY,
        text("FirstName", 40),
        text("LastName", 80),
        FULL_NAME,
        Field("Email", "email", 80),
        text("Company"),
        text("Title", 128),
        text("Country", 80),
        choice("Salutation", *SALUTATIONS),
        Field("Phone", "phone", 40),
        Field("Website", "url", 255),
        text("City", 40),
        text("PostalCode", 20),
        choice("LeadSource", *LEAD_SOURCES),
        number("NumberOfEmployees"),
        number("AnnualRevenue", "currency", 18, 2),
        number("Data_Quality__c", "percent", 5, 1),
        choice("Industry", *INDUSTRIES),  # provisioned, but locked until legal signs off
        choice("Status", OPEN, WORKING, CONVERTED, CLOSED),
        choice("GBU__c", *GBUS),
        OWNER,
        reference("Matched_Account__c", "Account", relationship="Matched_Account__r"),
        flag("HasOptedOutOfEmail"),
        *EMAIL_BOUNCED,
        LEGACY_ID,
        flag("IsConverted"),
        day("ConvertedDate"),
        reference("ConvertedContactId", "Contact"),
        reference("ConvertedAccountId", "Account"),
        reference("MasterRecordId", "Lead"),
        flag("pi__pardot_hard_bounced__c"),
        flag("external_hard_bounced__c", Access.WRITE),
        OVERALL_HARD_BOUNCED,
        COLD_LEAD_ELIGIBLE,
        Field("company_description__c", "textarea", 32_000),  # provisioned, but locked until legal signs off
        Field("pi__comments__c", "textarea", 32_000, Access.NONE),
        replace(choice("Care_Segment__c", "Hospital", "Clinic", "Practice"), only_in="icare"),
        replace(text("Core_Territory__c", 20), only_in="core"),
        *SYSTEM,
        *LAST_MODIFIED,
    ),
    "LeadHistory": (
        IDENTITY,
        reference("LeadId", "Lead"),
        text("Field"),
        text("OldValue"),
        text("NewValue"),
        reference("CreatedById", "User"),
        moment("CreatedDate"),
        flag("IsDeleted"),
    ),
    "Campaign": (
        IDENTITY,
        text("Name", 80),
        flag("AI_Outreach__c"),
        choice("GBU__c", *GBUS),
        choice("Status", "Planned", "In Progress", "Completed", "Aborted"),
        flag("IsActive"),
        day("StartDate"),
        day("EndDate"),
        OWNER,
        *SYSTEM,
    ),
    "CampaignMember": (
        IDENTITY,
        reference("CampaignId", "Campaign"),
        reference("LeadId", "Lead"),
        reference("ContactId", "Contact"),
        choice("Status", "Sent", "Responded"),
        flag("HasResponded"),
        day("FirstRespondedDate"),
        flag("Has_Replied__c", Access.WRITE),
        choice(
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
        reference("WhoId", "Lead", "Contact"),
        OWNER,
        text("Subject"),
        choice("Status", "Open", "Completed"),
        choice("TaskSubtype", "Task", "Call", "Email"),
        day("ActivityDate"),
        *SYSTEM,
    ),
    **SETUP_OBJECTS,
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
