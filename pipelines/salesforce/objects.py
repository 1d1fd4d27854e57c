"""What is read from Salesforce: the least that the models need, by canonical field name."""

from __future__ import annotations

from dataclasses import dataclass

LEAD_FORMULAS = ("overall_hard_bounced__c", "Cold_Lead_Eligible__c")


@dataclass(frozen=True)
class SalesforceObject:
    """One object to load: its API name, the raw table, and its fields by canonical name."""

    name: str
    table: str
    fields: tuple[str, ...]
    takes_extra_fields: bool = True
    has_deletes: bool = True
    is_sweep: bool = False

    @property
    def sweep(self) -> SalesforceObject:
        """What no cursor can follow, to be read whole now and then: which ids there are, and formula values."""
        formulas = LEAD_FORMULAS if self.name == "Lead" else ()
        return SalesforceObject(
            self.name, f"{self.table}_sweep", ("Id", *formulas), takes_extra_fields=False, is_sweep=True
        )


USER = SalesforceObject("User", "users", ("Id", "Name", "Email", "IsActive", "SystemModstamp"), has_deletes=False)

ACCOUNT = SalesforceObject(
    "Account",
    "accounts",
    (
        "Id",
        "Name",
        "Website",
        "Type",
        "Industry",
        "Is_Customer__c",
        "Is_Partner__c",
        "OwnerId",
        "IsDeleted",
        "CreatedDate",
        "SystemModstamp",
    ),
)

CONTACT = SalesforceObject(
    "Contact",
    "contacts",
    (
        "Id",
        "AccountId",
        "FirstName",
        "LastName",
        "Email",
        "HasOptedOutOfEmail",
        "OwnerId",
        "IsDeleted",
        "CreatedDate",
        "SystemModstamp",
    ),
)

LEAD = SalesforceObject(
    "Lead",
    "leads",
    (
        "Id",
        "FirstName",
        "LastName",
        "Email",
        "Company",
        "Title",
        "Country",
        "Industry",
        "Status",
        "GBU__c",
        "OwnerId",
        "Matched_Account__c",
        "HasOptedOutOfEmail",
        "IsConverted",
        "ConvertedDate",
        "ConvertedContactId",
        "ConvertedAccountId",
        "MasterRecordId",
        "IsDeleted",
        "pi__pardot_hard_bounced__c",
        "external_hard_bounced__c",
        "company_description__c",
        "CreatedDate",
        "LastModifiedDate",
        "LastModifiedById",
        "SystemModstamp",
    ),
)

CAMPAIGN = SalesforceObject(
    "Campaign",
    "campaigns",
    (
        "Id",
        "Name",
        "AI_Outreach__c",
        "GBU__c",
        "Status",
        "IsActive",
        "StartDate",
        "EndDate",
        "OwnerId",
        "IsDeleted",
        "CreatedDate",
        "SystemModstamp",
    ),
)

CAMPAIGN_MEMBER = SalesforceObject(
    "CampaignMember",
    "campaign_members",
    (
        "Id",
        "CampaignId",
        "LeadId",
        "ContactId",
        "Status",
        "HasResponded",
        "FirstRespondedDate",
        "Has_Replied__c",
        "ReplyClassification__c",
        "CreatedDate",
        "IsDeleted",
        "LastModifiedDate",
        "LastModifiedById",
        "SystemModstamp",
    ),
)

TASK = SalesforceObject(
    "Task",
    "tasks",
    (
        "Id",
        "WhoId",
        "OwnerId",
        "Subject",
        "Status",
        "TaskSubtype",
        "ActivityDate",
        "CreatedDate",
        "IsDeleted",
        "SystemModstamp",
    ),
)

OPPORTUNITY = SalesforceObject(
    "Opportunity",
    "opportunities",
    ("Id", "AccountId", "IsClosed", "IsDeleted", "CreatedDate", "SystemModstamp"),
)

OBJECTS = (USER, ACCOUNT, OPPORTUNITY, CONTACT, LEAD, CAMPAIGN, CAMPAIGN_MEMBER, TASK)
