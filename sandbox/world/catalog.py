"""What the world holds at any size and seed: orgs, users, campaigns, and their ids in the three services."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sandbox.world.clock import HISTORY_DAYS
from sandbox.world.ids import salesforce_id

ORGS = ("icare", "core")
ORG_NAMES = {"icare": "iCare", "core": "Core"}
ORG_SHARES = {"icare": 0.65, "core": 0.35}  # of all leads
GBUS = ("Industrial", "Healthcare", "Energy", "Consumer")
REPS_PER_GBU = 2
REPLIES_TABLE = "t_replies"

# Where an org's people live: the weight of each country.
COUNTRIES: dict[str, dict[str, float]] = {
    "icare": {
        "Germany": 0.36,
        "Austria": 0.10,
        "Switzerland": 0.09,
        "Sweden": 0.10,
        "Norway": 0.06,
        "Denmark": 0.06,
        "Finland": 0.04,
        "Netherlands": 0.07,
        "Belgium": 0.04,
        "Poland": 0.05,
        "Greece": 0.03,
    },
    "core": {
        "United Kingdom": 0.37,
        "Spain": 0.20,
        "Portugal": 0.11,
        "France": 0.28,
        "Italy": 0.02,
        "Japan": 0.02,
    },
}
REGIONS: dict[str, tuple[str, ...]] = {
    "DACH": ("Germany", "Austria", "Switzerland"),
    "Nordics": ("Sweden", "Norway", "Denmark", "Finland"),
    "Benelux": ("Netherlands", "Belgium"),
    "UK": ("United Kingdom",),
    "Iberia": ("Spain", "Portugal"),
    "France": ("France",),
}


class Role(StrEnum):
    """What a campaign is there for."""

    HISTORY = "history"  # mailed before the world starts
    CLEAN = "clean"  # planned; nothing stands against it
    UNAPPROVED = "unapproved"  # planned; members as clean, but legal's approval has expired
    DIRTY = "dirty"  # planned; some members must not be contacted
    ORDINARY = "ordinary"  # not AI outreach: out of scope


@dataclass(frozen=True)
class Campaign:
    """One campaign; its number is its place in the org."""

    org: str
    number: int
    name: str
    role: Role
    status: str
    region: str | None
    gbu: str
    share: float  # of the org's leads
    starts_in_days: int
    ends_in_days: int

    @property
    def id(self) -> str:
        """The Salesforce id."""
        return salesforce_id("Campaign", self.org, self.number)

    @property
    def is_ai_outreach(self) -> bool:
        """The value of ``AI_Outreach__c``."""
        return self.role is not Role.ORDINARY

    @property
    def clay_table_id(self) -> str:
        """The Clay table that the audience is enriched in."""
        return f"t_{self.org}_{self.number}"

    @property
    def smartlead_campaign_id(self) -> int:
        """The Smartlead campaign that mails the audience."""
        return {"icare": 2710100, "core": 2710200}[self.org] + self.number


def _campaigns() -> tuple[Campaign, ...]:
    began, planned, under_way = -HISTORY_DAYS, 14, "In Progress"
    return (
        Campaign("icare", 1, "AI Outreach DACH Q3", Role.HISTORY, under_way, "DACH", "Industrial", 0.25, began, 30),
        Campaign("icare", 2, "AI Outreach Nordics Q3", Role.HISTORY, "Completed", "Nordics", "Energy", 0.12, began, -7),
        Campaign("icare", 3, "AI Outreach DACH Q4", Role.CLEAN, "Planned", "DACH", "Healthcare", 0.12, planned, 90),
        Campaign("icare", 4, "AI Outreach Benelux Q4", Role.DIRTY, "Planned", "Benelux", "Consumer", 0.06, planned, 90),
        Campaign("icare", 5, "Trade Fair 2026", Role.ORDINARY, under_way, None, "Industrial", 0.10, -20, 10),
        Campaign("icare", 6, "Newsletter Q3", Role.ORDINARY, "Completed", None, "Consumer", 0.15, -60, -1),
        Campaign("core", 1, "AI Outreach UK Q3", Role.HISTORY, under_way, "UK", "Healthcare", 0.25, began, 30),
        Campaign("core", 2, "AI Outreach Iberia Q4", Role.CLEAN, "Planned", "Iberia", "Energy", 0.12, planned, 90),
        Campaign("core", 3, "AI Outreach France Q4", Role.UNAPPROVED, "Planned", "France", "Energy", 0.12, planned, 90),
        Campaign("core", 4, "Webinar 2026", Role.ORDINARY, "Completed", None, "Energy", 0.10, -30, -29),
    )  # fmt: skip


CAMPAIGNS = _campaigns()
AI_CAMPAIGNS = tuple(campaign for campaign in CAMPAIGNS if campaign.is_ai_outreach)
HISTORY_CAMPAIGNS = tuple(campaign for campaign in CAMPAIGNS if campaign.role is Role.HISTORY)
CLAY_TABLES = tuple(campaign.clay_table_id for campaign in AI_CAMPAIGNS)


@dataclass(frozen=True)
class User:
    """One Salesforce user; the number is the place in the org."""

    org: str
    number: int
    name: str
    is_active: bool = True
    gbu: str | None = None  # of a sales rep

    @property
    def id(self) -> str:
        """The Salesforce id."""
        return salesforce_id("User", self.org, self.number)

    @property
    def email(self) -> str:
        """The address at work."""
        return f"{self.name.lower().replace(' ', '.')}@{self.org}.example"


ADMIN, INTEGRATION_USER, MARCOM, PARDOT, FIRST_REP = 1, 2, 3, 4, 5  # user numbers in every org
REP_NAMES = {
    "icare": [
        "Jonas Weber",
        "Lena Fischer",
        "Ingrid Holm",
        "Pieter Bakker",
        "Mia Keller",
        "Erik Lund",
        "Sofie Maes",
        "Tom Brandt",
    ],
    "core": [
        "Olivia Hart",
        "James Cole",
        "Lucia Romero",
        "Hugo Lefevre",
        "Emma Wright",
        "Diego Silva",
        "Claire Petit",
        "Noah Reed",
    ],
}


def users(org: str) -> tuple[User, ...]:
    """Everybody in an org: four technical and marketing users, the reps of each GBU, and a rep who has left."""
    staff = [
        User(org, ADMIN, "System Administrator"),
        User(org, INTEGRATION_USER, "Outreach Integration"),
        User(org, MARCOM, "Marcom Operations"),
        User(org, PARDOT, "Pardot Connector"),
    ]
    reps = [
        User(org, FIRST_REP + place, name, gbu=GBUS[place // REPS_PER_GBU]) for place, name in enumerate(REP_NAMES[org])
    ]
    left = User(org, FIRST_REP + len(reps), "Former Colleague", is_active=False)
    return (*staff, *reps, left)


def campaign(org: str, number: int) -> Campaign:
    """The campaign with this number in an org."""
    return next(one for one in CAMPAIGNS if (one.org, one.number) == (org, number))
