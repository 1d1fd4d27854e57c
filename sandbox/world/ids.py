"""Salesforce record ids of the simulated world: 18 characters, with a real checksum, from object, org and number."""

from __future__ import annotations

SUFFIX_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
DIGITS = "aAbBcCdDeE"  # ids that differ in nothing but case must occur
KEY_PREFIXES = {
    "Lead": "00Q",
    "LeadHistory": "017",
    "Contact": "003",
    "Account": "001",
    "Opportunity": "006",
    "Campaign": "701",
    "CampaignMember": "00v",
    "Task": "00T",
    "User": "005",
    "Organization": "00D",
    "UserRole": "00E",
    "Profile": "00e",
    "PermissionSet": "0PS",
    "PermissionSetAssignment": "0Pa",
    "CustomPermission": "0CP",
    "SetupEntityAccess": "0J0",
    "UserPermissionAccess": "0UP",
    "Report": "00O",
}
ORG_CODES = {"icare": "Ic0", "core": "Co0"}


def salesforce_id(sobject: str, org: str, number: int) -> str:
    """The 18-character id of the n-th record of an object in an org."""
    digits = "".join(DIGITS[int(digit)] for digit in f"{number:09d}")
    return to_18(KEY_PREFIXES[sobject] + ORG_CODES[org] + digits)


def to_18(record_id: str) -> str:
    """A 15-character id with its checksum: each suffix letter says which of five characters are capitals."""
    groups = (record_id[start : start + 5] for start in (0, 5, 10))
    return record_id + "".join(_suffix(group) for group in groups)


def is_well_formed(record_id: str) -> bool:
    """Whether a text is a 15-character id, or an 18-character id with the right checksum."""
    if not (record_id.isascii() and record_id.isalnum()):
        return False
    return len(record_id) == 15 or (len(record_id) == 18 and to_18(record_id[:15]) == record_id)


def salesforce_id_sql(sobject: str, org: str, number: str) -> str:
    """:func:`salesforce_id` as a DuckDB expression over an integer expression."""
    start = KEY_PREFIXES[sobject] + ORG_CODES[org]
    digits = f"translate(lpad(({number})::varchar, 9, '0'), '0123456789', '{DIGITS}')"
    # Of the 15 characters, the last nine are digits of the number, and an odd digit is written as a capital.
    middle = _suffix_sql(number, first_power=8, count=4, first_bit=1, constant=int("A" <= start[5] <= "Z"))
    last = _suffix_sql(number, first_power=4, count=5, first_bit=0, constant=0)
    return f"'{start}' || {digits} || '{_suffix(start[:5])}' || {middle} || {last}"


def _suffix(group: str) -> str:
    return SUFFIX_ALPHABET[sum(1 << place for place, letter in enumerate(group) if "A" <= letter <= "Z")]


def _suffix_sql(number: str, *, first_power: int, count: int, first_bit: int, constant: int) -> str:
    bits = (f"({number}) // {10 ** (first_power - i)} % 2 * {1 << (first_bit + i)}" for i in range(count))
    return f"substr('{SUFFIX_ALPHABET}', (1 + {constant} + {' + '.join(bits)})::int, 1)"
