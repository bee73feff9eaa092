"""First-receiver responsibility: a unit may dispute an order only because the place is not its own.

DOMAIN 1 [D]: the first unit that gets an order answers for it; it may not pass it on for another reason.
"""

from dataclasses import dataclass
from typing import Literal

Ground = Literal["territory", "duty", "workload", "person", "other"]

GROUND_TEXT: dict[Ground, str] = {
    "territory": "不属本辖区",
    "duty": "不属本单位职责",
    "workload": "工作量",
    "person": "诉求人原因",
    "other": "其他",
}


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What shows where the thing really is.

    Parameters
    ----------
    lon, lat
        Corrected point, degrees EPSG:4326.
    street_code
        Street in which that point lies by the boundary version of the order, empty if none.
    confidence
        Probability that this street is right, 0–1.
    boundary_version
        Version of the boundaries used.
    source
        Who gave the point and how (photo, visit, address register).
    """

    lon: float
    lat: float
    street_code: str
    confidence: float
    boundary_version: str
    source: str


@dataclass(frozen=True, kw_only=True)
class Ruling:
    """Answer to a dispute: may it be made at all, is it right, and who has the order now."""

    admissible: bool
    accepted: bool
    unit_code: str
    review: bool
    reasons: str
    evidence: Evidence | None


def rule_dispute(
    unit_code: str, ground: Ground, evidence: Evidence | None, *, confidence_min: float
) -> Ruling:
    """Return the ruling on a first receiver's wish to hand back an order.

    Parameters
    ----------
    unit_code
        The street that has the order.
    ground
        Why it does not want it; only ``territory`` can be heard.
    evidence
        Where the thing really is; without it a territory dispute cannot be heard.
    confidence_min
        Evidence less sure than this goes to a conference (异议会商) with a person's decision.
    """

    def answer(text: str, *, heard: bool = False, to: str = "", review: bool = False) -> Ruling:
        return Ruling(
            admissible=heard,
            accepted=bool(to),
            unit_code=to or unit_code,
            review=review,
            reasons=text,
            evidence=evidence,
        )

    if ground != "territory":
        return answer(f"首接负责：只可对辖区提出异议，“{GROUND_TEXT[ground]}”不能作为退单理由")
    if evidence is None:
        return answer("辖区异议须附位置证据，请补充坐标及来源")
    if evidence.street_code == unit_code:
        return answer("按证据位置仍在本辖区内，继续由首接单位办理", heard=True)
    if not evidence.street_code:
        return answer("证据位置不在任何已知街道内，提交异议会商", heard=True, review=True)
    if evidence.confidence < confidence_min:
        return answer("证据位置紧邻边界，把握不足，提交异议会商", heard=True, review=True)
    return answer("按证据位置属其他街道，改派", heard=True, to=evidence.street_code)
