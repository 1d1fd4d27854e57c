"""What the integration user sees of an org: objects, fields, relationships, and their describe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from sandbox.salesforce.errors import SalesforceError, invalid_type
from sandbox.world.fields import OBJECTS, Access, Field, fields
from sandbox.world.ids import KEY_PREFIXES

LONG_TEXT = 255  # longer text can be neither filtered nor sorted by
RESTRICTED = {"GBU__c", "ReplyClassification__c", "Industry"}  # picklists that take nothing but their values
NEVER_NULL = {"id", "boolean"}
LENGTH_OF_TYPE = {"boolean": 0, "date": 0, "datetime": 0}


class Schema:
    """One org's objects, under the field-level security in force; an administrator may change that at any time."""

    def __init__(self, org: str) -> None:
        self.org = org
        self._access: dict[tuple[str, str], Access] = {}
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
            self._objects[own] = SObject(self, own, access)
        return self._objects[own]

    def allow(self, sobject: str, field: str, access: Access) -> None:
        """Change what the integration user may do with a field, by canonical name.

        Raises:
            KeyError: there is no such field.
        """
        if field not in fields(self.org, sobject):
            raise KeyError(f"{sobject}.{field}")
        self._access[sobject, field] = access
        self._objects.clear()


@dataclass(frozen=True)
class SObject:
    """One object of one org as the integration user sees it; names are compared without regard to case."""

    schema: Schema
    name: str
    access: Mapping[str, Access]

    @property
    def org(self) -> str:
        """The org's key."""
        return self.schema.org

    @cached_property
    def by_canonical_name(self) -> Mapping[str, Field]:
        """All fields, also those that the user cannot see: formulas may use them."""
        return {
            name: replace(field, access=self.access.get(name, field.access))
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

    def parent(self, field: Field) -> SObject:
        """The object that a lookup field points to."""
        return self.schema.sobject(field.references[0])

    @property
    def is_updateable(self) -> bool:
        """Whether the user may change any field."""
        return any(field.access is Access.WRITE for field in self.by_api_name.values())


def describe_all(schema: Schema, base: str) -> dict[str, Any]:
    """The body of the global describe."""
    return {
        "encoding": "UTF-8",
        "maxBatchSize": 200,
        "sobjects": [_summary(schema.sobject(name), base) for name in OBJECTS],
    }


def describe(described: SObject, base: str) -> dict[str, Any]:
    """The body of an object's describe."""
    return _summary(described, base) | {
        "fields": [_describe_field(field) for field in described.by_api_name.values()],
        "childRelationships": [],
        "recordTypeInfos": [],
        "supportedScopes": [{"label": "All", "name": "everything"}],
    }


def is_restricted(field: Field) -> bool:
    """Whether a picklist takes nothing but its active values."""
    return field.name in RESTRICTED


def check_filterable(field: Field) -> None:
    """Check that a field can stand in a condition or an order.

    Raises:
        SalesforceError: INVALID_FIELD, the field is a long text.
    """
    if field.type == "textarea" and field.length > LONG_TEXT:
        raise SalesforceError(400, "INVALID_FIELD", f"field '{field.api_name}' can not be filtered in a query call")


def _summary(described: SObject, base: str) -> dict[str, Any]:
    url = f"{base}/sobjects/{described.name}"
    return {
        "name": described.name,
        "label": described.name,
        "labelPlural": f"{described.name}s",
        "keyPrefix": KEY_PREFIXES[described.name],
        "custom": False,
        "customSetting": False,
        "createable": False,
        "updateable": described.is_updateable,
        "deletable": False,
        "undeletable": False,
        "mergeable": False,
        "queryable": True,
        "retrieveable": True,
        "replicateable": True,
        "searchable": True,
        "layoutable": True,
        "deprecatedAndHidden": False,
        "urls": {"sobject": url, "describe": f"{url}/describe", "rowTemplate": f"{url}/{{ID}}"},
    }


def _describe_field(field: Field) -> dict[str, Any]:
    is_long_text = field.type == "textarea" and field.length > LONG_TEXT
    is_reference = field.type == "reference"
    return {
        "name": field.api_name,
        "label": field.api_name.removesuffix("__c").replace("_", " ").strip(),
        "type": field.type,
        "soapType": {"boolean": "xsd:boolean", "date": "xsd:date", "datetime": "xsd:dateTime", "id": "tns:ID"}.get(
            field.type, "tns:ID" if is_reference else "xsd:string"
        ),
        "length": LENGTH_OF_TYPE.get(field.type, field.length),
        "byteLength": LENGTH_OF_TYPE.get(field.type, field.length * 3),
        "precision": 0,
        "scale": 0,
        "digits": 0,
        "nillable": field.type not in NEVER_NULL,
        "custom": field.api_name.endswith("__c"),
        "createable": False,
        "updateable": field.access is Access.WRITE,
        "permissionable": field.api_name.endswith("__c") or field.name == "Industry",
        "calculated": field.formula is not None,
        "calculatedFormula": field.formula,
        "compoundFieldName": "Name" if field.name in {"FirstName", "LastName"} else None,
        "defaultedOnCreate": field.type == "boolean",
        "defaultValue": False if field.type == "boolean" else None,
        "deprecatedAndHidden": False,
        "encrypted": False,
        "externalId": False,
        "filterable": not is_long_text,
        "groupable": not is_long_text and field.type != "datetime",
        "sortable": not is_long_text,
        "idLookup": field.type in {"id", "email"},
        "nameField": field.name == "Name",
        "unique": False,
        "autoNumber": False,
        "cascadeDelete": False,
        "controllerName": None,
        "dependentPicklist": False,
        "restrictedPicklist": is_restricted(field),
        "picklistValues": [
            {"value": value, "label": value, "active": is_active, "defaultValue": False, "validFor": None}
            for values, is_active in ((field.values, True), (field.inactive_values, False))
            for value in values
        ],
        "referenceTo": list(field.references),
        "relationshipName": field.relationship,
        "polymorphicForeignKey": len(field.references) > 1,
    }
