"""The gates of a campaign (R7): what the published marts measure, and what people have confirmed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import duckdb

from pipelines.campaign_map import MappedCampaign
from pipelines.config import Settings
from pipelines.errors import DataError, RefusedError
from pipelines.publish import PublishedVersion, open_version, published_version
from pipelines.sign_offs import SignOff, latest_sign_offs, record_sign_off
from pipelines.store import open_store

MEASURED = (
    "select gate, verdict, measured_value, threshold, owner, evidence, is_required_before_export,"
    " is_required_before_launch, sign_off_by from fct_campaign_gates where org = ? and campaign_id = ? order by gate"
)


class Purpose(StrEnum):
    """What the gates stand before."""

    EXPORT = "export"
    LAUNCH = "launch"


@dataclass(frozen=True)
class Gate:
    """A gate as measured, and whose confirmation it still needs.

    ``measured_value`` and ``threshold`` are in the gate's own unit; the value is None where nothing can be measured.
    """

    gate: str
    verdict: str
    measured_value: float | None
    threshold: float
    owner: str
    evidence: str
    is_required_before_export: bool
    is_required_before_launch: bool
    sign_off_by: str | None

    @property
    def figures(self) -> str:
        """What a person confirms; another figure voids the confirmation."""
        return json.dumps([self.measured_value, self.threshold, self.evidence])

    def is_required(self, purpose: Purpose) -> bool:
        """Whether it must pass for this purpose."""
        return self.is_required_before_export if purpose is Purpose.EXPORT else self.is_required_before_launch

    def signed(self, sign_off: SignOff | None, purpose: Purpose) -> Gate:
        """The gate with its confirmation: a pass that nobody has confirmed is unknown, a fail stays a fail."""
        if self.sign_off_by is None or self.verdict != "pass":
            return self
        if sign_off is None:
            return self._with("unknown", f"waits for the confirmation of {self.sign_off_by}")
        by = f"{sign_off.signed_by} on {sign_off.signed_at:%Y-%m-%d %H:%M} UTC"
        if sign_off.figures != self.figures:
            return self._with("unknown", f"the confirmation by {by} is void: the figures have changed")
        if sign_off.used_at is not None and purpose is Purpose.EXPORT:
            return self._with("unknown", f"the confirmation by {by} was for an export that is done")
        return self._with("pass", f"confirmed by {by}: {sign_off.reason}")

    def _with(self, verdict: str, remark: str) -> Gate:
        return Gate(**(vars(self) | {"verdict": verdict, "evidence": f"{self.evidence}; {remark}"}))


def read_gates(
    settings: Settings, campaign: MappedCampaign, purpose: Purpose, version: PublishedVersion | None = None
) -> list[Gate]:
    """Every gate of a campaign with the verdict that counts for a purpose; none if it is no AI campaign in the marts.

    They are those of a published version, by default of the one in force.

    Raises:
        DataError: nothing was published yet, or by an older version.
    """
    sign_offs = latest_sign_offs(open_store(settings), campaign)
    measured = _measured(version or published_version(settings), campaign)
    return [gate.signed(sign_offs.get(gate.gate), purpose) for gate in measured]


def require_gates(campaign: MappedCampaign, gates: Sequence[Gate], purpose: Purpose) -> None:
    """Let a campaign through only if all its required gates pass.

    Raises:
        RefusedError: one does not, or there are none; lists each one.
    """
    action = {Purpose.EXPORT: "exported", Purpose.LAUNCH: "launched"}[purpose]
    required = [gate for gate in gates if gate.is_required(purpose)]
    failing = [gate for gate in required if gate.verdict != "pass"]
    if not required:
        raise RefusedError(
            f"'{campaign.name}' ({campaign.org}) may not be {action}: no gate was evaluated for it.",
            next_step="Check that the campaign is loaded and AI_Outreach__c is set, then run outreach build.",
        )
    if failing:
        listed = "; ".join(
            f"{gate.gate}: {gate.verdict} (measured {number(gate.measured_value)}, threshold {number(gate.threshold)},"
            f" owner {gate.owner})"
            for gate in failing
        )
        raise RefusedError(
            f"'{campaign.name}' ({campaign.org}) may not be {action}: {len(failing)} of {len(required)} gates do not"
            f" pass. {listed}.",
            next_step="outreach gate shows the evidence. Let the owners settle or confirm them, then try again.",
        )


def confirm_gate(settings: Settings, campaign: MappedCampaign, name: str, *, reason: str, signed_by: str) -> Gate:
    """Record that a person has confirmed what a gate shows now; the gate as it then stands.

    Raises:
        DataError: the campaign has no such gate.
        RefusedError: the gate takes no confirmation, or does not pass by its figures.
    """
    version = published_version(settings)
    gates = {gate.gate: gate for gate in _measured(version, campaign)}
    gate = gates.get(name)
    if gate is None:
        raise DataError(
            f"'{campaign.name}' ({campaign.org}) has no gate '{name}'.",
            next_step=f"Name one of: {', '.join(gates)}."
            if gates
            else "Run outreach build after loading the campaign.",
        )
    if gate.sign_off_by is None:
        raise RefusedError(
            f"The gate {name} is measured; nobody confirms it.", next_step="outreach gate shows what it measures."
        )
    if gate.verdict != "pass":
        raise RefusedError(
            f"The gate {name} is {gate.verdict} by its figures: {gate.evidence}.",
            next_step="A confirmation cannot replace the figures: settle them, then load, build and confirm.",
        )
    if not reason.strip():
        raise RefusedError("A confirmation needs a reason.", next_step="Say with --reason what was checked.")
    sign_off = record_sign_off(
        open_store(settings),
        campaign,
        gate=name,
        figures=gate.figures,
        build_id=version.build_id,
        reason=reason.strip(),
        signed_by=signed_by,
    )
    return gate.signed(sign_off, Purpose.EXPORT)


def number(value: float | None) -> str:
    """A figure for people."""
    return "nothing" if value is None else f"{value:g}"


def _measured(version: PublishedVersion, campaign: MappedCampaign) -> list[Gate]:
    try:
        with open_version(version) as marts:
            rows = marts.execute(MEASURED, [campaign.org, campaign.campaign_id]).to_arrow_table().to_pylist()
    except (duckdb.CatalogException, duckdb.BinderException):
        raise DataError("The published marts lack what the gates need.", next_step="Run outreach build.") from None
    return [Gate(**row) for row in rows]
