"""What the pages have in common: their types, the address of the API version, and the object named in the path."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response

from sandbox.salesforce.errors import SalesforceError, not_found
from sandbox.salesforce.records import Caller
from sandbox.salesforce.schema import SObject

if TYPE_CHECKING:
    from sandbox.salesforce.app import Org

VERSION = "/services/data/v{version}"

Handler = Callable[[Request, Any], Response]  # gets the request and its JSON body, if any
Guard = Callable[[Handler], Callable[[Request], Any]]


def base(request: Request) -> str:
    """The address of the API version that the request uses."""
    return f"/services/data/v{request.path_params['version']}"


def json_text(text: str) -> Response:
    """An answer that is JSON already."""
    return Response(text, media_type="application/json")


def sobject_in_path(org: Org, request: Request) -> SObject:
    """The object that the address names.

    Raises:
        SalesforceError: NOT_FOUND, there is none.
    """
    try:
        return org.schema.sobject(request.path_params["sobject"])
    except SalesforceError:
        raise not_found() from None


def caller_of(org: Org, request: Request) -> Caller:
    """Who writes, and with which options."""
    options = request.headers.get("sforce-call-options", "")
    client = next((part[7:] for part in options.split(";") if part.startswith("client=")), "")
    return Caller(
        user_id=org.sign_in.user_id,
        client=client or request.headers.get("user-agent", ""),
        assigns_leads=request.headers.get("sforce-auto-assign", "TRUE").upper() != "FALSE",
    )
