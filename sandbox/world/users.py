"""Users, the organization, and what an administrator has set up for the integration user."""

from __future__ import annotations

import duckdb

from sandbox.world.catalog import ADMIN, INTEGRATION_USER, MARCOM, ORG_NAMES, PARDOT, User, users
from sandbox.world.ids import salesforce_id
from sandbox.world.plan import Plan, insert_records
from sandbox.world.setup import BROAD, BYPASS, HELD, REPORT_NAMES

ROLES = ("Administration", "Outreach Integration", "Marketing", "Sales")
PROFILES = ("System Administrator", "Minimum Access - API Only Integrations", "Standard User")
PLACES = {  # of technical users in the lists above; everybody else is last
    "UserRole": {ADMIN: 1, INTEGRATION_USER: 2, MARCOM: 3, PARDOT: 3},
    "Profile": {ADMIN: 1, INTEGRATION_USER: 2},
}


def create_users(connection: duckdb.DuckDBPyConnection, plan: Plan, org: str) -> None:
    """Fill the org's tables of users and of the organization itself."""
    rows = [
        f"""select {one.number} as number, '{one.id}' as "Id", '{one.email}' as "Username", '{one.name}' as "Name",
            '{one.email}' as "Email", {one.is_active} as "IsActive", '{_id("UserRole", one)}' as "UserRoleId",
            '{_id("Profile", one)}' as "ProfileId", {plan.now} - interval 1200 day as "CreatedDate",
            {plan.now} - interval 100 day as "SystemModstamp"
        """
        for one in users(org)
    ]
    insert_records(connection, org, "User", " union all ".join(rows))
    insert_records(
        connection,
        org,
        "Organization",
        f"""select 1 as number, '{salesforce_id("Organization", org, 1)}' as "Id", '{ORG_NAMES[org]}' as "Name",
            'SBX1' as "InstanceName", true as "IsSandbox", 'Enterprise Edition' as "OrganizationType",
            {plan.now} - interval 1200 day as "SystemModstamp"
        """,
    )


def create_setup(connection: duckdb.DuckDBPyConnection, plan: Plan, org: str) -> None:
    """Fill the tables of the setup objects of an org."""
    role = ", ".join(f"('{name}')" for name in ROLES)
    profile = ", ".join(f"('{name}')" for name in PROFILES)
    report = ", ".join(f"('{name}')" for name in REPORT_NAMES)
    user = next(one.id for one in users(org) if one.number == INTEGRATION_USER)
    permission_set, permission = salesforce_id("PermissionSet", org, 1), salesforce_id("CustomPermission", org, 1)
    rows = {
        "UserRole": f"""select row_number() over () as number, name as "Name",
                replace(name, ' ', '_') as "DeveloperName"
            from (values {role}) as names(name)""",
        "Profile": f'select row_number() over () as number, name as "Name" from (values {profile}) as names(name)',
        "PermissionSet": """select 1 as number, 'Outreach_Integration' as "Name", 'Outreach Integration' as "Label" """,
        "PermissionSetAssignment": f"""select 1 as number, '{user}' as "AssigneeId",
            '{permission_set}' as "PermissionSetId" """,
        "CustomPermission": f"""select 1 as number, '{BYPASS}' as "DeveloperName",
            'Bypass Validation Rules' as "MasterLabel" """,
        "SetupEntityAccess": f"""select 1 as number, '{permission_set}' as "ParentId",
            '{permission}' as "SetupEntityId", 'CustomPermission' as "SetupEntityType" """,
        "Report": f"""select row_number() over () as number, name as "Name", replace(name, ' ', '_') as "DeveloperName",
            'TABULAR' as "Format" from (values {report}) as names(name)""",
        "UserPermissionAccess": "select 1 as number, "
        + ", ".join(f'{name in HELD} as "{name}"' for name in (*HELD, *BROAD)),
    }
    for sobject, source in rows.items():
        ids = " ".join(f"when {one} then '{salesforce_id(sobject, org, one)}'" for one in range(1, len(ROLES) + 1))
        changed = f'{plan.now} - interval 1200 day as "SystemModstamp"'
        insert_records(connection, org, sobject, f'select *, case number {ids} end as "Id", {changed} from ({source})')


def _id(sobject: str, user: User) -> str:
    last = len(ROLES) if sobject == "UserRole" else len(PROFILES)
    return salesforce_id(sobject, user.org, PLACES[sobject].get(user.number, last))
