"""A whistle plan in sentences that a street secretary can act on."""

from collections.abc import Mapping

from gridgov.rules.constants import STATUS_TEXT
from gridgov.rules.duties import DutyGraph
from gridgov.rules.whistles.convene import CalledUnit, PlannedDuty, WhistlePlan

HOURS_PER_DAY = 24
MINUTES_PER_HOUR = 60

LEAD_BY: Mapping[str, str] = {
    "catalogue": "派单目录确定",
    "first_receiver": "目录未明确牵头单位，按首接负责由街道先牵头",
}
SUPERIOR: Mapping[str, str] = {
    "districts": "涉及多个区的单位，须提级由{name}统筹",
    "undecided": "职责清单未定清由谁办理，须提请{name}裁定",
    "levels": "涉及不同层级的单位；协调不成时提级至{name}统筹",
}
NO_SUPERIOR = "所涉单位在隶属关系中没有共同上级，请核对单位表的上级编码"
NO_DUTIES = "当日没有生效的职责清单，以下仅按派单目录召集；建议补充职责清单"


def tell_days(days: float) -> str:
    """Return a duration as people say it: hours below a day."""
    if days <= 0:
        return "即时"
    if days >= 1:
        return f"{round(days, 1):g}天"
    return f"{max(1, round(days * HOURS_PER_DAY))}小时"


def tell_minutes(minutes: int) -> str:
    """Return a time after the call as people say it."""
    if minutes < 2 * MINUTES_PER_HOUR:
        return f"{minutes}分钟内"
    if minutes < 2 * HOURS_PER_DAY * MINUTES_PER_HOUR:
        return f"{round(minutes / MINUTES_PER_HOUR)}小时内"
    return f"第{minutes // (HOURS_PER_DAY * MINUTES_PER_HOUR) + 1}天"


def tell_plan(plan: WhistlePlan, graph: DutyGraph) -> tuple[str, ...]:
    """Return the plan as sentences, the most urgent first; `graph` may be that of another day."""
    parts = (
        (tell_head(plan), tell_lead(plan, graph)),
        tell_order(plan, graph),
        tell_calls(plan),
        tell_smallest(plan, graph),
        tell_superior(plan),
        tuple(f"清单问题：{fault.text}" for fault in plan.faults),
    )
    return tuple(sentence for part in parts for sentence in part)


def tell_head(plan: WhistlePlan) -> str:
    """Return what it is about and how long it takes at best."""
    if not plan.duties:
        return f"{plan.street.name}“{plan.item.name}”：{NO_DUTIES}"
    return (
        f"{plan.street.name}“{plan.item.name}”（场景：{plan.scene_name}）："
        f"须召集{len(plan.calls)}家单位，分{len(plan.stages)}步，最快{tell_days(plan.total_days)}办结"
    )


def tell_lead(plan: WhistlePlan, graph: DutyGraph) -> str:
    """Return who leads and why."""
    graph = graph.at(plan.on_date)
    return f"牵头单位：{graph.name_of(plan.lead)}（{LEAD_BY[plan.lead_by]}）"


def tell_order(plan: WhistlePlan, graph: DutyGraph) -> tuple[str, ...]:
    """Return the critical path as one sentence, then what must be done together."""
    graph = graph.at(plan.on_date)
    duties = {duty.duty_code: duty for duty in plan.duties}
    said = []
    path = [_say_act(duties[code], graph) for code in plan.critical]
    if len(path) > 1:
        said.append(f"关键路径：须先由{'，再由'.join(path)}，共{tell_days(plan.total_days)}")
    joint = [duty for duty in plan.duties if duty.joint]
    if joint:
        names = "、".join(f"“{duty.name}”" for duty in joint)
        said.append(f"{names}互相等待，须由有关单位同场会商、同步办理")
    outside = dict.fromkeys(code for duty in plan.duties for code in duty.waits_outside)
    if outside:
        waited = "、".join(f"“{graph.duties[code].name}”" for code in outside)
        said.append(f"另须等待其他场景的职责：{waited}")
    return tuple(said)


def _say_act(duty: PlannedDuty, graph: DutyGraph) -> str:
    doers = duty.leads or duty.helpers
    who = "、".join(graph.name_of(unit) for unit in doers) or "（无承担单位）"
    return f"{who}办理“{duty.name}”（{tell_days(duty.days)}）"


def tell_stages(plan: WhistlePlan, graph: DutyGraph) -> tuple[str, ...]:
    """Return one sentence per stage: who does what, and what it waits for."""
    graph = graph.at(plan.on_date)
    duties = {duty.duty_code: duty for duty in plan.duties}
    return tuple(
        f"第{number}步：" + "；".join(_say_duty(duties[code], duties, graph) for code in stage)
        for number, stage in enumerate(plan.stages, 1)
    )


def _say_duty(duty: PlannedDuty, duties: Mapping[str, PlannedDuty], graph: DutyGraph) -> str:
    helpers = "、".join(graph.name_of(unit) for unit in duty.helpers if duty.leads)
    with_helpers = f"，{helpers}配合" if helpers else ""
    waited = "、".join(_say_wait(code, duty, duties, graph) for code in duty.waits_for)
    after = f"，须等{waited}" if waited and not duty.joint else ""
    return f"{_say_act(duty, graph)}{with_helpers}{after}"


def _say_wait(
    before: str, duty: PlannedDuty, duties: Mapping[str, PlannedDuty], graph: DutyGraph
) -> str:
    reason = graph.graph.edges[before, duty.duty_code]["reason"]
    return f"“{duties[before].name}”" + (f"（{reason}）" if reason else "")


def tell_calls(plan: WhistlePlan) -> tuple[str, ...]:
    """Return one sentence per unit to call: when it must be there and what power it must bring."""
    return tuple(_say_call(call) for call in plan.calls) + tuple(
        f"报到时限{plan.report_in.value}分钟：{STATUS_TEXT[plan.report_in.status]}"
        for _ in plan.calls[:1]
    )


def _say_call(call: CalledUnit) -> str:
    power = f"，须带{'、'.join(call.authorities)}权限" if call.authorities else ""
    return f"{call.name}：{tell_minutes(call.report_in_min)}报到{power}"


def tell_smallest(plan: WhistlePlan, graph: DutyGraph) -> tuple[str, ...]:
    """Return the smallest set of units, and how sure that is."""
    graph = graph.at(plan.on_date)
    if not plan.smallest.units:
        return ()
    names = "、".join(graph.name_of(unit) for unit in plan.smallest.units)
    sure = "" if plan.smallest.exact else f"（近似值，至少{plan.smallest.bound}家）"
    return (f"最少到场{len(plan.smallest.units)}家即可覆盖全部职责{sure}：{names}",)


def tell_superior(plan: WhistlePlan) -> tuple[str, ...]:
    """Return to whom the matter is or can be raised."""
    superior = plan.superior
    if superior is None:
        return ()
    return (
        SUPERIOR[superior.reason].format(name=superior.name) if superior.unit_code else NO_SUPERIOR,
    )
