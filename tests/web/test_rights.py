"""Who has which right, written out: a role that is given one more, or loses one, is noticed here and nowhere else."""

import pytest

from gridgov.rules.orders.transitions import Role
from gridgov.storage.scope.viewer import CITY_WIDE_ROLES, KEEPER_ROLES, PERSONAL_ROLES
from web.kit.permissions import GRANTS, Permission, is_granted

ROLES = (
    "operator",
    "dispatcher",
    "callback_clerk",
    "supervisor",
    "street_centre",
    "handler",
    "field_staff",
    "planner",
    "analyst",
    "auditor",
    "administrator",
)
RIGHTS = {
    # right:           op di cb su st ha fi pl an au ad
    "own_account":     "x  x  x  x  x  x  x  x  x  x  x",
    "today_read":      "x  x  x  x  x  x  x  x  x  x  x",
    "orders_read":     "x  x  x  x  x  x  x  x  x  x  .",
    "orders_act":      "x  x  x  x  x  x  x  .  .  .  .",
    "orders_export":   ".  x  .  x  x  x  .  x  x  x  .",
    "appeals_create":  "x  x  .  .  .  .  .  .  .  .  .",
    "whistles_read":   ".  x  .  x  x  x  x  x  x  x  .",
    "whistles_act":    ".  .  .  x  x  x  x  .  .  .  .",
    "field_read":      ".  .  .  .  x  x  x  .  .  .  .",
    "maps_read":       "x  x  x  x  x  x  x  x  x  x  x",
    "planning_read":   ".  .  .  x  x  x  .  x  x  x  .",
    "plans_act":       ".  .  .  x  x  x  .  x  .  .  .",
    "classes_decide":  ".  .  .  x  .  .  .  x  .  .  .",
    "topics_choose":   ".  .  .  x  .  .  .  x  x  .  .",
    "rates_read":      ".  .  x  x  x  x  .  x  x  x  x",
    "work_share":      "x  x  x  x  x  x  x  .  .  .  .",
    "outbox_keep":     ".  .  .  .  .  .  .  .  .  .  x",
    "accounts_keep":   ".  .  .  .  .  .  .  .  .  .  x",
    "security_read":   ".  .  .  .  .  .  .  .  .  x  x",
}  # fmt: skip
"""Right → whether each role of :data:`ROLES` has it. Whoever changes a right changes it here too, by hand."""


def test_every_right_and_every_role_is_written_out():
    assert {one.value for one in Permission} == set(RIGHTS)
    assert {one.value for one in Role} == set(ROLES)
    assert {len(row.split()) for row in RIGHTS.values()} == {len(ROLES)}


@pytest.mark.parametrize("right", [one.value for one in GRANTS])
def test_a_right_has_who_is_written_here_and_nobody_else(right):
    written = dict(zip(ROLES, RIGHTS[right].split(), strict=True))
    for role, sign in written.items():
        assert is_granted(Role(role), Permission(right)) is (sign == "x"), (right, role)


SIGHT = {
    # sees every unit · sees persons · sees every account and message
    "operator":       ". x .",
    "dispatcher":     ". x .",
    "callback_clerk": ". x .",
    "supervisor":     ". x .",
    "street_centre":  ". x .",
    "handler":        ". x .",
    "field_staff":    ". x .",
    "planner":        ". . .",
    "analyst":        "x . .",
    "auditor":        "x . x",
    "administrator":  "x . x",
}  # fmt: skip


@pytest.mark.parametrize("role", ROLES)
def test_what_a_role_sees_is_what_is_written_here(role):
    sees = [Role(role) in roles for roles in (CITY_WIDE_ROLES, PERSONAL_ROLES, KEEPER_ROLES)]
    assert ["x" if one else "." for one in sees] == SIGHT[role].split()
