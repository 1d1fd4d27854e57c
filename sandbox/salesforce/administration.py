"""What people do in an org's own pages, for tests: permissions, switches, rules, recycle bin, slow transactions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sandbox.salesforce import recycle_bin, user_permissions
from sandbox.salesforce.dml import Caller, write
from sandbox.salesforce.drafts import draft_update
from sandbox.salesforce.errors import RowError
from sandbox.salesforce.replication import Transaction
from sandbox.salesforce.schema import Profile, Schema, ValidationRule
from sandbox.world.catalog import ADMIN
from sandbox.world.field import Access
from sandbox.world.fields import OBJECTS
from sandbox.world.ids import salesforce_id

if TYPE_CHECKING:
    from sandbox.salesforce.app import Org, Service

Body = dict[str, Any]


def permit(service: Service, body: Body) -> Body:
    """Change what the integration user may do.

    Takes org and one of: profile (integration or administrator); system (permissions by name, true or false); bypass
    (of validation rules, true or false); or object, canonical field name and access (write, read or none).
    """
    schema, state, now = service.orgs[body["org"]].schema, service.state, service.state.now
    if "profile" in body:
        profile = Profile(body["profile"])
        schema.assign(profile, now)
        user_permissions.set_profile(state, schema.org, profile)
    elif "system" in body:
        user_permissions.set_system_permissions(state, schema.org, body["system"])
    elif "bypass" in body:
        user_permissions.set_bypass(state, schema.org, is_held=body["bypass"])
    else:
        schema.allow(body["object"], body["field"], Access(body["access"]), now)
    return {}


def retype(service: Service, body: Body) -> Body:
    """Change a field's type; takes org, object, canonical field name and type."""
    schema = service.orgs[body["org"]].schema
    schema.retype(body["object"], body["field"], body["type"], service.state.now)
    return {}


def switch(service: Service, body: Body) -> Body:
    """Set switches by name; takes org and switches, and gives all of them with their values."""
    switches = service.orgs[body["org"]].schema.switches
    switches.change(body.get("switches", {}))
    return switches.all()


def add_rule(service: Service, body: Body) -> Body:
    """Add a validation rule; takes org, object, condition (as after SOQL's WHERE), message and perhaps field."""
    rule = ValidationRule(body["object"], body["condition"], body["message"], body.get("field"))
    service.orgs[body["org"]].schema.validation_rules.append(rule)
    return {}


def use_recycle_bin(service: Service, body: Body) -> Body:
    """Take org, action (delete, undelete, merge or empty), object, ids, and the survivor of a merge."""
    state, org, actions = service.state, body["org"], ("delete", "undelete", "merge", "empty")
    if body["action"] not in actions:
        raise ValueError(f"action must be one of {', '.join(actions)}")
    user = f"'{salesforce_id('User', org, ADMIN)}'"
    with state.writing() as moment:
        if body["action"] == "empty":
            return {"deleted": recycle_bin.empty(state, org, [body["object"]] if "object" in body else list(OBJECTS))}
        if body["action"] == "merge":
            recycle_bin.merge_leads(state, org, body["survivor"], body["ids"], moment, user)
        else:
            change: Callable[..., None] = getattr(recycle_bin, body["action"])
            change(state, org, body["object"], body["ids"], moment, user)
    return {}


def use_transaction(service: Service, body: Body) -> Body:
    """Begin a transaction that changes records, or commit one.

    Takes org and records (as an update of a collection does) and gives the transaction's id; or takes org and commit,
    the id. The records appear at the commit, stamped with the time of the beginning.
    """
    org = service.orgs[body["org"]]
    if "commit" in body:
        return {"written": _commit(service, org, org.transactions.running.pop(body["commit"]))}
    with service.state.writing() as moment:
        name = f"{moment:%H%M%S}"
        org.transactions.running[name] = Transaction(moment, list(body["records"]))
    return {"id": name}


def _commit(service: Service, org: Org, transaction: Transaction) -> int:
    admin = Schema(org.name)
    admin.assign(Profile.ADMINISTRATOR, service.state.now)
    seen: set[str] = set()
    drafts = [draft_update(admin.sobject(one["attributes"]["type"]), one, seen) for one in transaction.records]
    caller = Caller(salesforce_id("User", org.name, ADMIN), "setup", assigns_leads=False)
    outcomes, _ = write(service.state, admin, drafts, caller, stamped_at=transaction.started_at)
    if errors := [one for one in outcomes if isinstance(one, RowError)]:
        raise ValueError(f"{errors[0].code}: {errors[0].message}")
    return len(outcomes)
