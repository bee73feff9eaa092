"""Scenes in which practice differs from the list: who really solves them, and the amendment that follows.

An amendment is proposed where one unit solved most of a scene's orders and the list does not have it as a
lead: Wilson's interval of its share must lie above one half, so that few orders prove nothing.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridgov.rules.catalogue import LEAD_DISTRICT, LEAD_STREET
from gridgov.rules.duties.graph import DutyGraph

PRACTICE_COLUMNS = (
    "scene_code",
    "scene_name",
    "listed",
    "solver",
    "solved",
    "of",
    "share",
    "share_low",
    "share_high",
    "change",
    "proposal",
    "order_nos",
)
"""One row per proposed amendment, surest first: ``listed`` tuple of units that duty list or catalogue have
as leads · ``solver`` unit that did it · ``solved`` orders of ``of`` solved in the scene · ``share`` with its
95 % interval · ``change`` key of :data:`CHANGES` · ``proposal`` Chinese · ``order_nos`` the first
:data:`EVIDENCE_SHOWN`."""

CHANGES: Mapping[str, str] = {
    "helper_to_lead": "建议将场景“{scene}”中{solver}由配合改为牵头",
    "add_lead": "建议将{solver}列入场景“{scene}”的职责清单并任牵头",
}
EVIDENCE = "（现清单牵头：{listed}；{of}件已解决工单中{solved}件由其办结，占{share:.0%}，95%区间{low:.0%}至{high:.0%}）"

EVIDENCE_SHOWN = 20
Z95 = 1.959963984540054
"""Quantile 0.975 of the normal distribution."""


def find_practice(
    graph: DutyGraph, solved: pd.DataFrame, *, orders_min: int = 10, share_min: float = 0.5
) -> pd.DataFrame:
    """Return the amendments of the duty list that practice suggests.

    Parameters
    ----------
    graph
        The list of a day.
    solved
        Orders that the person called solved: ``order_no, item_code, street_code, unit_code`` (who solved it).
    orders_min
        Scenes with fewer solved orders are left out [A].
    share_min
        The lower end of the solver's interval must be above this share.

    Returns
    -------
    Columns :data:`PRACTICE_COLUMNS`.
    """
    orders = _make_orders(graph, solved)
    counts = orders.groupby(["scene_code", "solver"]).agg(
        solved=("order_no", "size"), order_nos=("order_no", lambda nos: tuple(nos[:EVIDENCE_SHOWN]))
    )
    counts["of"] = counts.groupby("scene_code")["solved"].transform("sum")
    counts = counts[counts["of"] >= orders_min].reset_index()
    counts["share"] = counts["solved"] / counts["of"]
    counts["share_low"], counts["share_high"] = find_interval(
        counts["solved"].to_numpy(dtype=np.float64), counts["of"].to_numpy(dtype=np.float64)
    )
    counts = counts[counts["share_low"] > share_min]
    rows = [row for row in (_propose(graph, r) for r in counts.to_dict("records")) if row]
    frame = pd.DataFrame(rows, columns=list(PRACTICE_COLUMNS))
    return frame.sort_values(
        ["share_low", "scene_code"], ascending=[False, True], ignore_index=True
    )


def _make_orders(graph: DutyGraph, solved: pd.DataFrame) -> pd.DataFrame:
    """Return orders with scene and solver; the place's own street and district become tokens."""
    scenes = {code: item.scene_code for code, item in graph.items.items()}
    kinds = {code: unit.kind for code, unit in graph.units.items()}
    kind = solved["unit_code"].map(kinds)
    tokens = {"street": LEAD_STREET, "district": LEAD_DISTRICT}
    solver = kind.map(tokens).where(kind.isin(list(tokens)), solved["unit_code"])
    scene = solved["item_code"].map(scenes)
    frame = pd.DataFrame(
        {"order_no": solved["order_no"], "scene_code": scene, "solver": solver.astype("str")}
    )
    return frame[frame["scene_code"].isin(list(graph.scenes)) & frame["solver"].notna()]


def find_interval(
    hits: npt.NDArray[np.float64], of: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return both ends of Wilson's 95 % interval of a share (Wilson 1927)."""
    share = hits / of
    scale = 1 + Z95**2 / of
    middle = (share + Z95**2 / (2 * of)) / scale
    half = Z95 * np.sqrt(share * (1 - share) / of + Z95**2 / (4 * of**2)) / scale
    return middle - half, middle + half


def _propose(graph: DutyGraph, row: Mapping[str, object]) -> dict[str, object] | None:
    """Return the amendment that a row asks for, None where list or catalogue have the solver as a lead."""
    scene = graph.scenes[str(row["scene_code"])]
    duties = [graph.duties[code] for code in scene.duties]
    catalogue = [
        i.lead for i in graph.items.values() if i.scene_code == scene.scene_code and i.lead
    ]
    listed = tuple(dict.fromkeys((*(lead for duty in duties for lead in duty.leads), *catalogue)))
    solver = str(row["solver"])
    if solver in listed:
        return None
    helps = any(solver in duty.helpers for duty in duties)
    change = "helper_to_lead" if helps else "add_lead"
    names = "、".join(graph.name_of(unit) for unit in listed) or "无"
    said = CHANGES[change].format(scene=scene.name, solver=graph.name_of(solver))
    evidence = EVIDENCE.format(
        listed=names,
        of=row["of"],
        solved=row["solved"],
        share=row["share"],
        low=row["share_low"],
        high=row["share_high"],
    )
    return {
        **row,
        "scene_name": scene.name,
        "listed": listed,
        "change": change,
        "proposal": said + evidence,
    }
