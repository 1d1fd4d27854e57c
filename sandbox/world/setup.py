"""The objects in which an administrator sets users up: roles, profiles, permission sets, and what these allow."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.world.field import Field, flag, moment, reference, text

IDENTITY = Field("Id", "id", 18)
CHANGED = moment("SystemModstamp")
BYPASS = "Bypass_Validation_Rules"  # the custom permission that every validation rule excepts
HELD = ("PermissionsApiEnabled", "PermissionsApiUserOnly", "PermissionsViewSetup")  # by the integration user
BROAD = (
    "PermissionsModifyAllData",
    "PermissionsViewAllData",
    "PermissionsManageUsers",
    "PermissionsCustomizeApplication",
    "PermissionsAuthorApex",
)

REPORT_NAMES = ("Leads", "Campaign Members")

SETUP_OBJECTS: Mapping[str, tuple[Field, ...]] = {
    "UserRole": (IDENTITY, text("Name", 80), text("DeveloperName", 80), CHANGED),
    "Profile": (IDENTITY, text("Name"), CHANGED),
    "PermissionSet": (IDENTITY, text("Name", 80), text("Label", 80), CHANGED),
    "PermissionSetAssignment": (
        IDENTITY,
        reference("AssigneeId", "User"),
        reference("PermissionSetId", "PermissionSet"),
        CHANGED,
    ),
    "CustomPermission": (IDENTITY, text("DeveloperName", 80), text("MasterLabel", 80), CHANGED),
    "SetupEntityAccess": (
        IDENTITY,
        reference("ParentId", "PermissionSet"),
        reference("SetupEntityId", "CustomPermission"),
        text("SetupEntityType", 40),
    ),
    "Report": (IDENTITY, text("Name", 40), text("DeveloperName", 80), text("Format", 40), CHANGED),
    "UserPermissionAccess": (IDENTITY, *(flag(name) for name in (*HELD, *BROAD))),
}
