"""Reports: what people export. At most 2,000 rows each, and ids of 15 characters."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandbox.salesforce.errors import SalesforceError, not_found
from sandbox.salesforce.schema import Schema
from sandbox.salesforce.soql_tree import Comparison, Value
from sandbox.salesforce.state import State
from sandbox.salesforce.translate import Translation
from sandbox.world.field import Field
from sandbox.world.ids import is_well_formed, salesforce_id, to_18
from sandbox.world.setup import REPORT_NAMES

MOST_ROWS = 2_000
OPERATORS = {
    "equals": "=",
    "notEqual": "!=",
    "lessThan": "<",
    "greaterThan": ">",
    "lessOrEqual": "<=",
    "greaterOrEqual": ">=",
}
KINDS = {"boolean": "word", "date": "date", "datetime": "datetime"}  # of literals in filters
COLUMNS = {
    "Leads": ("Lead", ("Id", "Name", "Email", "Company", "Status", "HasOptedOutOfEmail", "CreatedDate", "Owner.Name")),
    "Campaign Members": (
        "CampaignMember",
        ("Id", "LeadId", "Lead.Email", "Campaign.Name", "Status", "Has_Replied__c", "FirstRespondedDate"),
    ),
}


@dataclass(frozen=True)
class Report:
    """A tabular report as the integration user sees it."""

    id: str
    name: str
    sobject: str
    columns: dict[str, Field]  # by key, the object and the path


def find_report(state: State, schema: Schema, report_id: str) -> Report:
    """The report with this id.

    Raises:
        SalesforceError: NOT_FOUND, there is none.
    """
    ids = [salesforce_id("Report", schema.org, place + 1) for place in range(len(REPORT_NAMES))]
    if not is_well_formed(report_id) or to_18(report_id[:15]) not in ids:
        raise not_found()
    name = REPORT_NAMES[ids.index(to_18(report_id[:15]))]
    sobject, paths = COLUMNS[name]
    translation = Translation(schema.sobject(sobject), state.now)
    columns: dict[str, Field] = {}
    for path in paths:
        try:
            columns[f"{sobject}.{path}"] = translation.column(path)[1]
        except SalesforceError:  # the user must not see it, so the report is without it
            continue
    return Report(to_18(report_id[:15]), name, sobject, columns)


def describe_report(report: Report) -> dict[str, Any]:
    """The bodies ``reportMetadata`` and ``reportExtendedMetadata``."""
    info = {
        key: {"label": key.partition(".")[2].replace(".", ": "), "dataType": _data_type(field), "isLookup": False}
        for key, field in report.columns.items()
    }
    metadata = {
        "id": report.id,
        "name": report.name,
        "developerName": report.name.replace(" ", "_"),
        "reportFormat": "TABULAR",
        "reportType": {"type": report.sobject, "label": f"{report.sobject}s"},
        "detailColumns": list(report.columns),
        "reportFilters": [],
        "reportBooleanFilter": None,
        "aggregates": ["RowCount"],
        "groupingsDown": [],
        "groupingsAcross": [],
        "hasDetailRows": True,
        "currency": None,
    }
    extended = {
        "detailColumnInfo": info,
        "aggregateColumnInfo": {"RowCount": {"label": "Record Count", "dataType": "int"}},
        "groupingColumnInfo": {},
    }
    return {"reportMetadata": metadata, "reportExtendedMetadata": extended}


def run_report(
    state: State, schema: Schema, report: Report, filters: list[Any], *, has_details: bool
) -> dict[str, Any]:
    """The figures of a report, and its first rows.

    Args:
        state: the orgs.
        schema: the org.
        report: what to run.
        filters: ``[{"column", "operator", "value"}]``; all of them hold.
        has_details: whether rows are wanted.

    Raises:
        SalesforceError: a filter cannot be understood.
    """
    translation = Translation(schema.sobject(report.sobject), state.now)
    conditions = ['not t."IsDeleted"', *(translation.condition(_comparison(report, one)) for one in filters)]
    values = ", ".join(translation.column(key.partition(".")[2])[0] for key in report.columns)
    body = f"from {translation.source} where {' and '.join(conditions)}"
    (count,) = state.row(f"select count(*) {body}", translation.parameters)
    rows = []
    if has_details:
        query = f'select {values} {body} order by t."Id" limit {MOST_ROWS}'
        rows = state.rows(query, translation.parameters)
    fields = list(report.columns.values())
    cells = [{"dataCells": [_cell(*pair) for pair in zip(row, fields, strict=True)]} for row in rows]
    facts: dict[str, Any] = {"aggregates": [{"label": f"{count:,}", "value": count}]}
    return {
        "allData": count <= MOST_ROWS,
        "factMap": {"T!T": facts | ({"rows": cells} if has_details else {})},
        "hasDetailRows": has_details,
        "groupingsDown": {"groupings": []},
        "groupingsAcross": {"groupings": []},
    }


def _comparison(report: Report, given: Any) -> Comparison:
    given = given if isinstance(given, dict) else {}
    column, operator, value = (given.get(name) for name in ("column", "operator", "value"))
    if column not in report.columns or operator not in OPERATORS or not isinstance(value, str):
        message = f"A report filter needs a column of the report, a value, and one of {', '.join(OPERATORS)}."
        raise SalesforceError(400, "BAD_REQUEST", message)
    field = report.columns[column]
    literal = Value(KINDS.get(field.type, "string"), value.lower() if field.type == "boolean" else value)
    return Comparison(column.partition(".")[2], OPERATORS[operator], literal)


def _data_type(field: Field) -> str:
    return "id" if field.type == "reference" else field.type


def _cell(value: Any, field: Field) -> dict[str, Any]:
    if value is None:
        return {"label": "-", "value": None}
    if field.type in {"id", "reference"}:
        value = value[:15]
    elif isinstance(value, datetime):
        value = f"{value:%Y-%m-%dT%H:%M:%S}Z"
    elif field.type == "date":
        value = value.isoformat()
    return {"label": str(value).lower() if isinstance(value, bool) else str(value), "value": value}
