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
    district_code
        District of that street, empty if none.
    """

    lon: float
    lat: float
    street_code: str
    confidence: float
    boundary_version: str
    source: str
    district_code: str = ""


@dataclass(frozen=True, kw_only=True)
class Holder:
    """The unit that has an order, and the order's own place.

    Parameters
    ----------
    unit_code, kind
        The unit and its kind; a street's and a district's unit has the code of its area.
    district_code
        District whose unit it is; empty for a unit of the whole city.
    street_code
        Street in which the order's place lies as it stands, empty where that is not known.
    """

    unit_code: str
    kind: str = "street"
    district_code: str = ""
    street_code: str = ""

    def covers(self, evidence: "Evidence") -> bool:
        """Tell whether the place shown lies in the unit's territory."""
        if self.kind == "street":
            return evidence.street_code == self.unit_code
        district = self.unit_code if self.kind == "district" else self.district_code
        return not district or evidence.district_code == district


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
    holder: Holder, ground: Ground, evidence: Evidence | None, *, confidence_min: float
) -> Ruling:
    """Return the ruling on a first receiver's wish to hand back an order.

    Parameters
    ----------
    holder
        The unit that has the order. A street's territory is the street, a district's the district, that of a department
        or a firm the district or city whose unit it is: inside it there is nothing to dispute.
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
            unit_code=to or holder.unit_code,
            review=review,
            reasons=text,
            evidence=evidence,
        )

    if ground != "territory":
        return answer(f"首接负责：只可对辖区提出异议，“{GROUND_TEXT[ground]}”不能作为退单理由")
    if evidence is None:
        return answer("辖区异议须附位置证据，请补充坐标及来源")
    if not evidence.street_code:
        return answer("证据位置不在任何已知街道内，提交异议会商", heard=True, review=True)
    if holder.covers(evidence):
        if holder.kind != "street":
            return answer("证据位置在本单位负责的范围内，不构成辖区异议")
        if evidence.street_code == holder.street_code:
            return answer("证据位置与工单现有位置同在本街道，不构成辖区异议")
        return answer("按证据位置仍在本辖区内，继续由首接单位办理", heard=True)
    if evidence.confidence < confidence_min:
        return answer("证据位置紧邻边界，把握不足，提交异议会商", heard=True, review=True)
    return answer("按证据位置属其他街道，改派", heard=True, to=evidence.street_code)
