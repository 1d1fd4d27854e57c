"""An org as an administrator has set it up and the integration user sees it: objects, fields, permissions, rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import cached_property

from sandbox.salesforce.errors import SalesforceError, invalid_type
from sandbox.salesforce.switches import Switches
from sandbox.world.clock import WORLD_START
from sandbox.world.field import Access, Field
from sandbox.world.fields import OBJECTS, fields

LONG_TEXT = 255  # longer text can be neither filtered nor sorted by
RESTRICTED = {"GBU__c", "ReplyClassification__c", "Industry"}  # picklists that take nothing but their values
EDITABLE = {  # the others have no create or delete
    "Account",
    "Opportunity",
    "Contact",
    "Lead",
    "Campaign",
    "CampaignMember",
    "Task",
}
MERGEABLE = {"Account", "Contact", "Lead"}
WITHOUT_REPLICATION = {"Organization"}
REQUIRED = {  # on create
    "Account": ("Name",),
    "Campaign": ("Name",),
    "CampaignMember": ("CampaignId",),
    "Contact": ("LastName",),
    "Lead": ("LastName", "Company"),
    "Opportunity": ("Name", "StageName", "CloseDate"),
}
CREATE_ONLY = {"CampaignMember": {"CampaignId", "LeadId", "ContactId"}}
SYSTEM_FIELDS = {  # nobody writes them
    "Id",
    "IsDeleted",
    "CreatedDate",
    "CreatedById",
    "SystemModstamp",
    "LastModifiedDate",
    "LastModifiedById",
    "IsConverted",
    "IsClosed",
    "IsWon",
    "ConvertedDate",
    "ConvertedContactId",
    "ConvertedAccountId",
    "MasterRecordId",
    "HasResponded",
    "FirstRespondedDate",
}


class Profile(StrEnum):
    """What the integration user may do in general; field-level security may take from it or add to it."""

    INTEGRATION = "integration"  # writes the few fields that it is there for, creates and deletes nothing
    ADMINISTRATOR = "administrator"  # sees everything, writes whatever anybody can write


@dataclass(frozen=True)
class ValidationRule:
    """A condition, as in a SOQL where clause, that no saved record may meet."""

    sobject: str
    condition: str
    message: str
    field: str | None = None


class Schema:
    """One org's objects, under the permissions in force; an administrator may change these at any time."""

    def __init__(self, org: str) -> None:
        self.org = org
        self.switches = Switches()
        self.validation_rules: list[ValidationRule] = []
        self.changed_at: datetime = WORLD_START
        self.profile = Profile.INTEGRATION
        self._access: dict[tuple[str, str], Access] = {}
        self._types: dict[tuple[str, str], str] = {}
        self._objects: dict[str, SObject] = {}

    def sobject(self, name: str) -> SObject:
        """An object by its name in any case.

        Raises:
            SalesforceError: INVALID_TYPE, there is none.
        """
        known = {one.lower(): one for one in OBJECTS}
        if name.lower() not in known:
            raise invalid_type(name)
        own = known[name.lower()]
        if own not in self._objects:
            access = {field: access for (sobject, field), access in self._access.items() if sobject == own}
            types = {field: kind for (sobject, field), kind in self._types.items() if sobject == own}
            self._objects[own] = SObject(self, own, access, types)
        return self._objects[own]

    def all(self) -> list[SObject]:
        """Every object."""
        return [self.sobject(name) for name in OBJECTS]

    def allow(self, sobject: str, field: str, access: Access, now: datetime) -> None:
        """Change what the integration user may do with a field, by canonical name.

        Raises:
            KeyError: there is no such field.
        """
        if field not in fields(self.org, sobject):
            raise KeyError(f"{sobject}.{field}")
        self._access[sobject, field] = access
        self._note_change(now)

    def retype(self, sobject: str, field: str, kind: str, now: datetime) -> None:
        """Give a field another type, by canonical name; what it holds stays as it is.

        Raises:
            KeyError: there is no such field.
        """
        if field not in fields(self.org, sobject):
            raise KeyError(f"{sobject}.{field}")
        self._types[sobject, field] = kind
        self._note_change(now)

    def assign(self, profile: Profile, now: datetime) -> None:
        """Give the integration user a profile."""
        self.profile = profile
        self._note_change(now)

    def _note_change(self, now: datetime) -> None:
        self._objects.clear()
        self.changed_at = now


@dataclass(frozen=True)
class SObject:
    """One object of one org as the integration user sees it; names are compared without regard to case."""

    schema: Schema
    name: str
    access: Mapping[str, Access]
    types: Mapping[str, str]

    @property
    def org(self) -> str:
        """The org's key."""
        return self.schema.org

    @cached_property
    def by_canonical_name(self) -> Mapping[str, Field]:
        """All fields, also those that the user cannot see: formulas may use them."""
        return {
            name: replace(
                field,
                access=self.access.get(name, self._general_access(field)),
                type=self.types.get(name, field.type),
            )
            for name, field in fields(self.org, self.name).items()
        }

    @cached_property
    def by_api_name(self) -> Mapping[str, Field]:
        """The visible fields by lower-case API name."""
        visible = (field for field in self.by_canonical_name.values() if field.access is not Access.NONE)
        return {field.api_name.lower(): field for field in visible}

    @cached_property
    def by_relationship(self) -> Mapping[str, Field]:
        """The lookup fields that a path can follow, by lower-case relationship name."""
        lookups = (field for field in self.by_api_name.values() if field.relationship and len(field.references) == 1)
        return {str(field.relationship).lower(): field for field in lookups}

    @property
    def stored_columns(self) -> list[str]:
        """The columns of the object's table."""
        return [field.api_name for field in self.by_canonical_name.values() if field.is_stored]

    def parent(self, field: Field) -> SObject:
        """The object that a lookup field points to."""
        return self.schema.sobject(field.references[0])

    @property
    def is_createable(self) -> bool:
        """Whether the user may create records; whoever may, may also delete them."""
        return self.schema.profile is Profile.ADMINISTRATOR and self.name in EDITABLE

    @property
    def is_updateable(self) -> bool:
        """Whether the user may change any field."""
        return any(self.can_update(field) for field in self.by_api_name.values())

    @property
    def is_replicable(self) -> bool:
        """Whether there is a log of its changes and deletions."""
        return "SystemModstamp" in self.by_canonical_name and self.name not in WITHOUT_REPLICATION

    def can_create(self, field: Field) -> bool:
        """Whether the user may give the field a value in a new record."""
        return self.is_createable and field.access is Access.WRITE

    def can_update(self, field: Field) -> bool:
        """Whether the user may change the field of a record."""
        return field.access is Access.WRITE and field.name not in CREATE_ONLY.get(self.name, ())

    def _general_access(self, field: Field) -> Access:
        if self.schema.profile is Profile.INTEGRATION:
            return field.access
        is_writable = self.name in EDITABLE and field.is_stored and field.name not in SYSTEM_FIELDS
        return Access.WRITE if is_writable else Access.READ


def is_restricted(field: Field) -> bool:
    """Whether a picklist takes nothing but its active values."""
    return field.name in RESTRICTED


def is_long_text(field: Field) -> bool:
    """Whether the field is a text too long to filter or sort by."""
    return field.type == "textarea" and field.length > LONG_TEXT


def check_filterable(field: Field) -> None:
    """Check that a field can stand in a condition or an order.

    Raises:
        SalesforceError: INVALID_FIELD, the field is a long text.
    """
    if is_long_text(field):
        raise SalesforceError(400, "INVALID_FIELD", f"field '{field.api_name}' can not be filtered in a query call")
