"""The integration user's role, profile and permissions, and validation rules that it bypasses or not."""

import pytest


def _error(answer) -> str:
    return answer.json()[0]["errorCode"]


def test_users_have_a_role_and_a_profile(shared) -> None:
    query = "SELECT Name, UserRole.Name, Profile.Name FROM User WHERE Username = 'outreach.integration@icare.example'"
    (user,) = shared.icare.records(query)
    assert user["UserRole"]["Name"] == "Outreach Integration"
    assert user["Profile"]["Name"] == "Minimum Access - API Only Integrations"
    assert shared.icare.count("User WHERE UserRole.Name = 'Sales'") > 8
    assert shared.core.count("User WHERE Profile.Name = 'System Administrator'") == 1


def test_nobody_sets_users_up_through_the_api(world) -> None:
    world.icare.become("administrator")
    assert _error(world.icare.row("POST", "UserRole", Name="x")) == "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
    role = world.icare.records("SELECT Id FROM UserRole LIMIT 1")[0]["Id"]
    assert _error(world.icare.row("PATCH", f"UserRole/{role}", Name="x")) == "INVALID_FIELD_FOR_INSERT_UPDATE"
    assert _error(world.icare.row("DELETE", f"UserRole/{role}")) == "INSUFFICIENT_ACCESS_OR_READONLY"


def test_system_permissions_follow_the_profile(world) -> None:
    query = "SELECT FIELDS(STANDARD) FROM UserPermissionAccess LIMIT 1"
    held = {name for name, value in world.icare.records(query)[0].items() if value is True}
    assert held == {"PermissionsApiEnabled", "PermissionsApiUserOnly", "PermissionsViewSetup"}
    world.icare.become("administrator")
    (permissions,) = world.icare.records(query)
    assert permissions["PermissionsModifyAllData"] is True
    assert permissions["PermissionsApiUserOnly"] is False
    assert world.icare.row("GET", f"UserPermissionAccess/{permissions['Id']}").json()["PermissionsAuthorApex"] is True


@pytest.mark.parametrize("is_held", [True, False])
def test_validation_rules_except_who_has_the_custom_permission(world, is_held) -> None:
    rule = {"object": "Lead", "condition": "external_hard_bounced__c = true AND Email != null"}
    world.icare.control("POST", "validation_rules", org="icare", **rule, message="Do not.", field="Email")
    world.icare.control("POST", "permissions", org="icare", bypass=is_held)
    where = "IsConverted = false AND external_hard_bounced__c = false AND Email"
    good = world.icare.records(f"SELECT Id FROM Lead WHERE {where} = null LIMIT 1")[0]["Id"]
    bad = world.icare.records(f"SELECT Id FROM Lead WHERE {where} != null LIMIT 1")[0]["Id"]
    changes = [world.icare.record("Lead", one, external_hard_bounced__c=True) for one in (good, bad)]
    first, second = world.icare.update(*changes).json()
    assert (first["success"], second["success"]) == (True, is_held)
    assert world.icare.count(f"Lead WHERE Id = '{bad}' AND external_hard_bounced__c = true") == int(is_held)
    if not is_held:
        error = {"statusCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "message": "Do not.", "fields": ["Email"]}
        assert second["errors"] == [error]
