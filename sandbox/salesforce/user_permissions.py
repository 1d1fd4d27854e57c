"""What the integration user may do beyond objects and fields: system permissions, bypassing validation rules."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.salesforce.schema import Profile
from sandbox.salesforce.state import State
from sandbox.world.ids import salesforce_id
from sandbox.world.plan import table
from sandbox.world.setup import BROAD, HELD


def set_system_permissions(state: State, org: str, permissions: Mapping[str, bool]) -> None:
    """Give or take system permissions by the names that ``UserPermissionAccess`` shows.

    Raises:
        KeyError: there is no such permission.
    """
    if unknown := permissions.keys() - {*HELD, *BROAD}:
        raise KeyError(f"UserPermissionAccess.{min(unknown)}")
    assignments = ", ".join(f'"{name}" = {bool(is_held)}' for name, is_held in permissions.items())
    state.execute(f"update {table(org, 'UserPermissionAccess')} set {assignments}")


def set_profile(state: State, org: str, profile: Profile) -> None:
    """Give the system permissions of a profile; only people use the web interface."""
    is_admin = profile is Profile.ADMINISTRATOR
    set_system_permissions(state, org, dict.fromkeys(BROAD, is_admin) | {"PermissionsApiUserOnly": not is_admin})


def set_bypass(state: State, org: str, *, is_held: bool) -> None:
    """Put the custom permission that validation rules except into the user's permission set, or take it out."""
    access = table(org, "SetupEntityAccess")
    state.execute(f"delete from {access}")
    if is_held:
        ids = [salesforce_id(name, org, 1) for name in ("SetupEntityAccess", "PermissionSet", "CustomPermission")]
        state.execute(
            f"""insert into {access} by name
            select ? as "Id", ? as "ParentId", ? as "SetupEntityId", 'CustomPermission' as "SetupEntityType" """,
            ids,
        )


def has_bypass(state: State, org: str) -> bool:
    """Whether validation rules let the user's records pass."""
    return state.row(f"select count(*) > 0 from {table(org, 'SetupEntityAccess')}") == (True,)
