"""Salesforce's own errors: a status, a code and a message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass
class SalesforceError(Exception):
    """An error that answers the whole request, as a JSON array of one."""

    status: int
    code: str
    message: str
    fields: tuple[str, ...] | None = None  # of an error of the one record that a request is about

    def body(self) -> list[dict[str, Any]]:
        """The JSON body."""
        fields = {} if self.fields is None else {"fields": list(self.fields)}
        return [{"message": self.message, "errorCode": self.code, **fields}]


@dataclass
class RowError(Exception):
    """An error of one record in a request that goes on with the others."""

    code: str
    message: str
    fields: tuple[str, ...] = ()

    def body(self) -> dict[str, Any]:
        """The record's result."""
        error = {"statusCode": self.code, "message": self.message, "fields": list(self.fields)}
        return {"success": False, "errors": [error]}


def malformed_query(message: str) -> SalesforceError:
    """A query that cannot be parsed."""
    return SalesforceError(400, "MALFORMED_QUERY", message)


def invalid_field(message: str) -> SalesforceError:
    """A field that does not exist for this user, or is used in a way that its type does not allow."""
    return SalesforceError(400, "INVALID_FIELD", message)


def no_such_column(name: str, sobject: str) -> SalesforceError:
    """A field that does not exist, or that this user must not see: Salesforce makes no difference."""
    return invalid_field(
        f"No such column '{name}' on entity '{sobject}'. If you are attempting to use a custom field, be sure to append"
        " the '__c' after the custom field name. Please reference your WSDL or the describe call for the appropriate"
        " names."
    )


def invalid_type(name: str) -> SalesforceError:
    """An object that does not exist."""
    return SalesforceError(
        400,
        "INVALID_TYPE",
        f"sObject type '{name}' is not supported. If you are attempting to use a custom object, be sure to append the"
        " '__c' after the entity name. Please reference your WSDL or the describe call for the appropriate names.",
    )


def invalid_session() -> SalesforceError:
    """A missing, wrong, revoked or expired token."""
    return SalesforceError(401, "INVALID_SESSION_ID", "Session expired or invalid")


def not_found() -> SalesforceError:
    """An address that leads nowhere."""
    return SalesforceError(404, "NOT_FOUND", "The requested resource does not exist")
