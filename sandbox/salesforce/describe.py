"""What describe says of an org's objects and fields."""

from __future__ import annotations

from typing import Any

from sandbox.salesforce.schema import (
    CREATE_ONLY,
    EDITABLE,
    MERGEABLE,
    REQUIRED,
    SYSTEM_FIELDS,
    Schema,
    SObject,
    is_long_text,
    is_restricted,
)
from sandbox.world.field import DECIMALS, Field
from sandbox.world.ids import KEY_PREFIXES

NEVER_NULL = {"id", "boolean"}
LENGTH_OF_TYPE = {"boolean": 0, "date": 0, "datetime": 0}
SOAP_TYPES = {
    "boolean": "xsd:boolean",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
    "id": "tns:ID",
    "int": "xsd:int",
} | dict.fromkeys(DECIMALS, "xsd:double")
DIGITS_OF_INT = 8
PLURALS = {"LeadHistory": "Lead History"}
CASCADES = {("CampaignMember", "CampaignId"), ("CampaignMember", "LeadId"), ("CampaignMember", "ContactId")}
NO_UNDELETE = {"CampaignMember"}


def describe_all(schema: Schema, base: str) -> dict[str, Any]:
    """The body of the global describe."""
    return {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": [summary(one, base) for one in schema.all()]}


def describe(described: SObject, base: str) -> dict[str, Any]:
    """The body of an object's describe."""
    return summary(described, base) | {
        "fields": [_field(described, field) for field in described.by_api_name.values()],
        "childRelationships": child_relationships(described),
        "recordTypeInfos": [
            {
                "name": "Master",
                "developerName": "Master",
                "recordTypeId": "012000000000000AAA",
                "active": True,
                "available": True,
                "defaultRecordTypeMapping": True,
                "master": True,
                "urls": {"layout": f"{base}/sobjects/{described.name}/describe/layouts/012000000000000AAA"},
            }
        ],
        "supportedScopes": [{"label": f"All {described.name}s", "name": "everything"}],
        "actionOverrides": [],
        "namedLayoutInfos": [],
        "networkScopeFieldName": None,
        "compactLayoutable": described.name in EDITABLE,
        "searchLayoutable": described.name in EDITABLE,
        "lookupLayoutable": None,
        "listviewable": None,
        "sobjectDescribeOption": "FULL",
    }


def summary(described: SObject, base: str) -> dict[str, Any]:
    """What the global describe and an object's own page say of it."""
    url = f"{base}/sobjects/{described.name}"
    return {
        "name": described.name,
        "label": described.name,
        "labelPlural": PLURALS.get(described.name, f"{described.name}s"),
        "keyPrefix": KEY_PREFIXES[described.name],
        "activateable": False,
        "associateEntityType": "History" if described.name == "LeadHistory" else None,
        "associateParentEntity": "Lead" if described.name == "LeadHistory" else None,
        "custom": False,
        "customSetting": False,
        "createable": described.is_createable,
        "updateable": described.is_updateable,
        "deletable": described.is_createable,
        "undeletable": described.is_createable and described.name not in NO_UNDELETE,
        "mergeable": described.is_createable and described.name in MERGEABLE,
        "queryable": True,
        "retrieveable": True,
        "replicateable": described.is_replicable,
        "searchable": described.name in EDITABLE,
        "layoutable": described.name in EDITABLE,
        "triggerable": described.name in EDITABLE,
        "feedEnabled": False,
        "mruEnabled": False,
        "hasSubtypes": False,
        "isInterface": False,
        "isSubtype": False,
        "deprecatedAndHidden": False,
        "urls": {"sobject": url, "describe": f"{url}/describe", "rowTemplate": f"{url}/{{ID}}"},
    }


def child_relationships(described: SObject) -> list[dict[str, Any]]:
    """The lookups of other objects that point to this one."""
    return [
        {
            "childSObject": child.name,
            "field": field.api_name,
            "relationshipName": _relationship(child, field),
            "cascadeDelete": (child.name, field.name) in CASCADES,
            "restrictedDelete": False,
            "deprecatedAndHidden": False,
            "junctionIdListNames": [],
            "junctionReferenceTo": [],
        }
        for child in described.schema.all()
        for field in child.by_api_name.values()
        if described.name in field.references
    ]


def _relationship(child: SObject, field: Field) -> str | None:
    """What a parent calls its children by this lookup; some lookups have no way back."""
    if field.name in SYSTEM_FIELDS:
        return None
    if child.name == "LeadHistory":
        return "Histories"
    return f"{child.name}s{'__r' if field.api_name.endswith('__c') else ''}"


def _field(described: SObject, field: Field) -> dict[str, Any]:
    is_custom = field.api_name.endswith("__c")
    length = LENGTH_OF_TYPE.get(field.type, field.length)
    is_required = field.name in REQUIRED.get(described.name, ())
    is_filterable = not is_long_text(field)
    return {
        "name": field.api_name,
        "label": field.api_name.removesuffix("__c").replace("_", " ").strip(),
        "type": field.type,
        "soapType": SOAP_TYPES.get(field.type, "tns:ID" if field.references else "xsd:string"),
        "length": length,
        "byteLength": length if field.type in {"id", "reference"} else length * 3,
        "precision": field.precision,
        "scale": field.scale,
        "digits": DIGITS_OF_INT if field.type == "int" else 0,
        "nillable": field.type not in NEVER_NULL and not is_required,
        "custom": is_custom,
        "createable": described.can_create(field),
        "updateable": described.can_update(field),
        "permissionable": not is_required and field.name not in SYSTEM_FIELDS | CREATE_ONLY.get(described.name, set()),
        "calculated": field.formula is not None,
        "calculatedFormula": field.formula,
        "formulaTreatNullNumberAsZero": False,
        "compoundFieldName": "Name" if field.name in {"FirstName", "LastName"} else None,
        "defaultedOnCreate": field.type == "boolean" or field.name in {"OwnerId", "Status"},
        "defaultValue": False if field.type == "boolean" else None,
        "defaultValueFormula": None,
        "deprecatedAndHidden": False,
        "encrypted": False,
        "externalId": field.is_external_id,
        "extraTypeInfo": None,
        "filterable": is_filterable,
        "groupable": is_filterable and field.type != "datetime",
        "aggregatable": is_filterable and field.type != "boolean",
        "sortable": is_filterable,
        "idLookup": field.type in {"id", "email"} or field.is_external_id,
        "inlineHelpText": None,
        "nameField": field.name == "Name",
        "namePointing": len(field.references) > 1,
        "caseSensitive": field.type == "id",
        "htmlFormatted": False,
        "mask": None,
        "unique": False,
        "autoNumber": False,
        "cascadeDelete": (described.name, field.name) in CASCADES,
        "restrictedDelete": False,
        "writeRequiresMasterRead": False,
        "controllerName": None,
        "dependentPicklist": False,
        "restrictedPicklist": is_restricted(field),
        "picklistValues": [
            {"value": value, "label": value, "active": is_active, "defaultValue": False, "validFor": None}
            for values, is_active in ((field.values, True), (field.inactive_values, False))
            for value in values
        ],
        "referenceTo": list(field.references),
        "referenceTargetField": None,
        "relationshipName": field.relationship,
        "relationshipOrder": None,
        "polymorphicForeignKey": len(field.references) > 1,
    }
