"""The integration user of an org, line by line as the process documents want it (section 3.1) and R1 needs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pipelines.config import Settings
from pipelines.config.services import SalesforceOrg
from pipelines.doctor.check import Check, Finding, Verdict, cannot_tell, failed, passed, run_check
from pipelines.errors import OutreachError
from pipelines.salesforce.auth import LARGEST_CLOCK_DIFFERENCE
from pipelines.salesforce.client import SalesforceClient, connect
from pipelines.salesforce.objects import OBJECTS
from pipelines.salesforce.orgs import FieldNames, read_field_names
from pipelines.writeback.allowlist import Allowlist, read_allowlist

WRITTEN_OBJECTS = ("Lead", "CampaignMember")
BROAD_PERMISSIONS = {
    "PermissionsModifyAllData": "Modify All Data",
    "PermissionsViewAllData": "View All Data",
    "PermissionsManageUsers": "Manage Users",
    "PermissionsCustomizeApplication": "Customize Application",
    "PermissionsAuthorApex": "Author Apex",
}
PERMISSION_SET = "the integration user's permission set"


def check_salesforce(settings: Settings, orgs: Sequence[str] | None = None) -> list[Check]:
    """Check the given orgs, all configured ones by default."""
    names = read_field_names(settings.project_dir)
    allowlist = read_allowlist(settings.project_dir)
    checks: list[Check] = []
    for org in orgs or list(names):
        checks += _check_org(settings, names.get(org, FieldNames(org, {})), allowlist)
    return checks


def _check_org(settings: Settings, names: FieldNames, allowlist: Allowlist) -> list[Check]:
    signing_in = "The integration user can sign in, to the right org"
    try:
        connection = settings.salesforce_org(names.org)
        with connect(names.org, connection) as client:
            return _IntegrationUser(client, connection, names, allowlist).checks(signing_in)
    except OutreachError as error:
        return [Check(names.org, signing_in, Verdict.FAIL, error.message, error.next_step)]


@dataclass
class _IntegrationUser:
    client: SalesforceClient
    connection: SalesforceOrg
    names: FieldNames
    allowlist: Allowlist

    def checks(self, signing_in: str) -> list[Check]:
        """All checks of one org; signing in comes first, and without it there is nothing to see."""
        organization_id = self.client.organization_id
        looks: list[tuple[str, Callable[[], Finding]]] = [
            (signing_in, lambda: self._organization(organization_id)),
            ("Our clock agrees with Salesforce's", self._clock),
            ("API calls are left, beyond the reserve", self._quota),
            ("It is an API-only user", self._api_only),
            ("It has no broad administrative permissions", self._no_broad_permissions),
            ("It has the role that the org's sharing needs", self._role),
            ("It may bypass validation rules", self._validation_bypass),
            *(
                (f"It may read {one.name}, and no more", self._read_only(one.name))
                for one in OBJECTS
                if _is_read(one.name)
            ),
            *((f"It may update {name}, not create or delete", self._updates(name)) for name in WRITTEN_OBJECTS),
            ("It sees every field that is loaded", self._loaded_fields),
            ("It may write the allowlisted fields and no others", self._writable_fields),
            ("It sees leads of every GBU", self._gbus),
        ]
        return [run_check(self.names.org, requirement, look) for requirement, look in looks]

    @cached_property
    def _described(self) -> dict[str, Mapping[str, Any]]:
        return {one.name: self.client.read_json("GET", f"sobjects/{one.name}/describe") for one in OBJECTS}

    def _organization(self, organization_id: str) -> Finding:
        if self.connection.organization_id:
            return passed(f"signed in to {organization_id}, the pinned org")
        return cannot_tell(
            f"signed in to {organization_id}; no org is pinned",
            f'Set organization_id = "{organization_id}" for org {self.names.org}: no other is then ever written to.',
        )

    def _clock(self) -> Finding:
        difference = self.client.clock_ahead
        seconds = f"{abs(difference.total_seconds()):.0f} seconds apart"
        if abs(difference) <= LARGEST_CLOCK_DIFFERENCE:
            return passed(seconds)
        return failed(
            seconds,
            "Set this machine's clock (NTP): a signed assertion is only valid for three minutes; or the other side's"
            " clock stands elsewhere, as the sandbox's does.",
        )

    def _quota(self) -> Finding:
        self.client.read_json("GET", "limits")  # any answer but that of the sign-in tells
        usage = self.client.quota.usage
        if usage is None:
            return cannot_tell("the answers do not tell the usage")
        return passed(
            f"{usage[0]:,} of {usage[1]:,} calls of the day are used; {self.connection.quota_reserve:.0%} are kept"
        )

    def _permissions(self, *names: str) -> dict[str, bool]:
        """Permissions of the running user; readable without View Setup."""
        rows = self._query(f"SELECT {', '.join(names)} FROM UserPermissionAccess LIMIT 1")
        return {name: bool(rows[0].get(name)) for name in names} if rows else {}

    def _api_only(self) -> Finding:
        permissions = self._permissions("PermissionsApiUserOnly", "PermissionsApiEnabled")
        if not permissions:
            return cannot_tell("Salesforce does not tell the user's permissions")
        if not permissions["PermissionsApiUserOnly"]:
            return failed("it may use the web interface", "Give its profile or permission set “API Only User”.")
        return passed("API Only User is set")

    def _no_broad_permissions(self) -> Finding:
        permissions = self._permissions(*BROAD_PERMISSIONS)
        if not permissions:
            return cannot_tell("Salesforce does not tell the user's permissions")
        held = [BROAD_PERMISSIONS[name] for name, is_held in permissions.items() if is_held]
        if held:
            return failed(
                f"it has {', '.join(held)}", f"Remove {', '.join(held)} from its profile and permission sets."
            )
        return passed(f"none of {', '.join(BROAD_PERMISSIONS.values())}")

    def _role(self) -> Finding:
        rows = self._query(f"SELECT Id, UserRole.Name FROM User WHERE Id = '{self.client.user_id}'")
        role = ((rows[0].get("UserRole") or {}).get("Name") if rows else None) or "no role"
        wanted = self.connection.expected_role
        if wanted is None:
            return cannot_tell(
                f"it has {role}; which it should have is not configured", "Set expected_role of the org."
            )
        return passed(role) if role == wanted else failed(f"it has {role}", f"Give it the role {wanted}.")

    def _validation_bypass(self) -> Finding:
        wanted = self.connection.validation_bypass_permission
        if wanted is None:
            return cannot_tell(
                "the name of the custom permission is not configured", "Set validation_bypass_permission of the org."
            )
        assigned = f"SELECT PermissionSetId FROM PermissionSetAssignment WHERE AssigneeId = '{self.client.user_id}'"
        permission = f"SELECT Id FROM CustomPermission WHERE DeveloperName = '{wanted}'"
        rows = self._query(
            f"SELECT Id FROM SetupEntityAccess WHERE SetupEntityId IN ({permission}) AND ParentId IN ({assigned})"
        )
        if rows:
            return passed(f"it has {wanted}")
        return failed(f"it does not have {wanted}", f"Add the custom permission {wanted} to {PERMISSION_SET}.")

    def _read_only(self, object_name: str) -> Callable[[], Finding]:
        def look() -> Finding:
            held = self._rights(object_name, "createable", "updateable", "deletable")
            if held:
                return failed(
                    f"it may also {', '.join(held)}", f"Take {', '.join(held)} on {object_name} from {PERMISSION_SET}."
                )
            return passed("read only")

        return look

    def _updates(self, object_name: str) -> Callable[[], Finding]:
        def look() -> Finding:
            if "update" not in self._rights(object_name, "updateable"):
                return failed("it may not update it", f"Give Edit on {object_name} in {PERMISSION_SET}.")
            held = self._rights(object_name, "createable", "deletable")
            if held:
                return failed(
                    f"it may also {', '.join(held)}", f"Take {', '.join(held)} on {object_name} from {PERMISSION_SET}."
                )
            return passed("update only")

        return look

    def _rights(self, object_name: str, *properties: str) -> list[str]:
        words = {"createable": "create", "updateable": "update", "deletable": "delete"}
        return [words[name] for name in properties if self._described[object_name].get(name)]

    def _loaded_fields(self) -> Finding:
        missing = [
            f"{one.name}.{field}"
            for one in OBJECTS
            for field in self.names.api_names(one.name, (*one.fields, *one.sweep.fields))
            if field not in self._fields(one.name)
        ]
        if missing:
            return failed(f"not visible: {', '.join(missing)}", f"Give Read on these fields in {PERMISSION_SET}.")
        return passed(f"all fields of {len(OBJECTS)} objects")

    def _fields(self, object_name: str) -> dict[str, Mapping[str, Any]]:
        return {field["name"]: field for field in self._described[object_name]["fields"]}

    def _writable_fields(self) -> Finding:
        """Fields that field-level security governs; Salesforce never lets it govern required standard fields."""
        writable = {
            f"{name}.{field}"
            for name, described in self._described.items()
            for field, properties in self._fields(name).items()
            if properties.get("updateable") and properties.get("permissionable") and described.get("updateable")
        }
        rules = [rule for rule in self.allowlist.rules.values() if rule.is_writable]
        allowed = {f"{rule.object}.{self.names.api_name(rule.object, rule.field)}": rule for rule in rules}
        needed = {name for name, rule in allowed.items() if rule.status == "active"}
        if extra := sorted(writable - set(allowed)):
            return failed(f"it may also write {', '.join(extra)}", f"Take Edit on these fields from {PERMISSION_SET}.")
        if missing := sorted(needed - writable):
            return failed(f"it may not write {', '.join(missing)}", f"Give Edit on these fields in {PERMISSION_SET}.")
        return passed(", ".join(sorted(writable)))

    def _gbus(self) -> Finding:
        field = self.names.api_name("Lead", "GBU__c")
        values = [one["value"] for one in self._fields("Lead")[field].get("picklistValues", []) if one.get("active")]
        if not values:
            return cannot_tell(f"{field} is no picklist, so which GBUs there are is not known")
        seen = {row[field] for row in self._query(f"SELECT {field}, COUNT(Id) FROM Lead GROUP BY {field}")}
        if unseen := [value for value in values if value not in seen]:
            return cannot_tell(
                f"no lead of {', '.join(unseen)} is visible", "Look whether there are none, or sharing hides them."
            )
        return passed(", ".join(values))

    def _query(self, soql: str) -> list[dict[str, Any]]:
        return [record for page in self.client.query(soql) for record in page]


def _is_read(object_name: str) -> bool:
    return object_name not in WRITTEN_OBJECTS
