"""Which fields are read, with which types, and what a change of them means."""

import pyarrow as pa
import pytest

from pipelines.errors import DataError
from pipelines.salesforce.objects import SalesforceObject
from pipelines.salesforce.orgs import FieldNames
from pipelines.salesforce.schema import check_types, new_fields, object_schema

LEAD = SalesforceObject("Lead", "leads", ("Id", "GBU__c"))
CORE = FieldNames("core", {"Lead": {"GBU__c": "Business_Unit__c"}}, {"Lead": ["*"]})
DESCRIBED = {
    "Id": {"type": "id"},
    "Business_Unit__c": {"type": "picklist"},
    "AnnualRevenue": {"type": "currency", "precision": 18, "scale": 2},
    "Discount__c": {"type": "percent", "precision": 5, "scale": 4},
    "Score__c": {"type": "double", "precision": 0, "scale": 0},
    "NumberOfEmployees": {"type": "int", "precision": 0, "scale": 0},
    "CreatedDate": {"type": "datetime"},
    "ConvertedDate": {"type": "date"},
    "IsConverted": {"type": "boolean"},
    "Description": {"type": "textarea", "length": 32000},
    "Address": {"type": "address"},
    "Photo__c": {"type": "base64"},
}


def test_types_are_those_of_describe() -> None:
    schema = object_schema(LEAD, CORE, DESCRIBED)
    assert {field.name: field.type for field in schema.arrow} == {
        "Id": pa.string(),
        "Business_Unit__c": pa.string(),
        "AnnualRevenue": pa.decimal128(18, 2),
        "Discount__c": pa.decimal128(5, 4),
        "Score__c": pa.float64(),
        "NumberOfEmployees": pa.int64(),
        "CreatedDate": pa.timestamp("us", tz="UTC"),
        "ConvertedDate": pa.date32(),
        "IsConverted": pa.bool_(),
        "Description": pa.string(),
    }
    assert schema.notes == ("Lead.Address, Photo__c: compound or binary, left out.",)


def test_without_extra_fields_only_the_needed_ones_are_read() -> None:
    assert object_schema(LEAD, FieldNames("core", CORE.renamed), DESCRIBED).arrow.names == ["Id", "Business_Unit__c"]


def test_a_sweep_reads_ids_and_formulas_only() -> None:
    assert object_schema(SalesforceObject("Contact", "contacts", ("Id",)).sweep, CORE, DESCRIBED).arrow.names == ["Id"]


def test_a_needed_field_that_is_not_shown_is_named() -> None:
    with pytest.raises(DataError, match=r"core does not show Lead\.Business_Unit__c"):
        object_schema(LEAD, CORE, {"Id": {"type": "id"}})


def test_a_field_that_is_gone_or_has_another_type_stops_the_object() -> None:
    schema = object_schema(LEAD, CORE, DESCRIBED)
    before = schema.types | {"AnnualRevenue": "int64", "Fax": "string"}
    with pytest.raises(DataError, match=r"AnnualRevenue was int64, is decimal.*Fax was string, is gone") as caught:
        check_types(schema, before, "core", "Lead")
    assert caught.value.next_step is not None
    assert "outreach load salesforce --org core --refresh Lead" in caught.value.next_step


def test_a_new_field_is_no_reason_to_stop() -> None:
    schema = object_schema(LEAD, CORE, DESCRIBED)
    check_types(schema, {"Id": "string"}, "core", "Lead")
    assert new_fields(DESCRIBED, ["Id", "Business_Unit__c"])[0] == "Address"
    assert new_fields(DESCRIBED, []) == []
