"""What the pages have in common: their types, the address of the API version, and the object named in the path."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from sandbox.salesforce.dml import Caller
from sandbox.salesforce.errors import SalesforceError, not_found
from sandbox.salesforce.schema import SObject

if TYPE_CHECKING:
    from sandbox.salesforce.app import Org

T = TypeVar("T")

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
        saves_duplicates=_saves_duplicates(request.headers.get("sforce-duplicate-rule-header", "")),
    )


def with_locks(org: Org, request: Request, write: Callable[[int], tuple[T, int]]) -> T:
    """Write under the planned faults.

    Args:
        org: the org that is written to.
        request: the request that asks for it.
        write: gets the number of rows to refuse as locked; gives its result and how many rows that were.
    """
    faults, address = org.service.faults, f"{request.method} {request.url.path}"
    result, locked = write(faults.rows_to_lock(org.name, address))
    faults.note_locked(org.name, address, locked)
    return result


def _saves_duplicates(header: str) -> bool:
    options = dict(part.strip().lower().partition("=")[::2] for part in header.split(";"))
    return options.get("allowsave", "").strip() == "true"
