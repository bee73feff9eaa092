"""The rows that a scope sees, as criteria of the query layer; migrations 0003, 0006, 0008 say it to PostgreSQL.

The criteria stand on tables, not on models: SQLAlchemy would add the criteria of a model to the subqueries of the
criteria themselves, and theirs again.
"""

from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import with_loader_criteria
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from gridgov.rules.dispatch import Route
from gridgov.storage.models.accounts import Account, AccountSession, SavedView
from gridgov.storage.models.appeals import Appeal, AppealPerson, FormSubmit, PinMove
from gridgov.storage.models.counts import AreaCount, CellCount, CountDelta, UnitCount
from gridgov.storage.models.journal import CallerSecret, LogEntry, Message, NoticeSetting, Receipt
from gridgov.storage.models.orders import (
    Callback,
    Dispute,
    Exclusion,
    Issue,
    IssueStep,
    Order,
    OrderExtension,
    OrderFile,
    OrderPause,
    Transfer,
)
from gridgov.storage.models.plans import (
    Plan,
    PlanComment,
    PlanTask,
    RankFollowUp,
    Report,
    TaskStep,
)
from gridgov.storage.models.secrets import KeptSecret
from gridgov.storage.models.tokens import ApiToken, KeptAnswer
from gridgov.storage.models.whistles import CalledUnit, CheckIn, WhistleCall
from gridgov.storage.models.work import Assignment, Attachment
from gridgov.storage.scope.viewer import Scope

ORDERS = sa.inspect(Order).local_table
CALLS = sa.inspect(WhistleCall).local_table
CALLED = sa.inspect(CalledUnit).local_table
TRANSFERS = sa.inspect(Transfer).local_table
PLANS = sa.inspect(Plan).local_table
PLAN_TASKS = sa.inspect(PlanTask).local_table

OF_ORDERS = (
    OrderPause,
    OrderExtension,
    OrderFile,
    Transfer,
    Dispute,
    Callback,
    Exclusion,
    WhistleCall,
)
"""Models whose rows belong to an order."""
OF_APPEALS = (AppealPerson, PinMove)
"""Models whose rows belong to an appeal."""
COUNTED = (CountDelta, CellCount, UnitCount)
"""Counts by unit. Rates are public by law (DOMAIN.md section 5) and stay open."""
SCOPE_KINDS_KEPT = 512


class Among(FunctionElement[bool]):
    """``column IN (subquery)``, on PostgreSQL ``column = ANY (ARRAY (subquery))``.

    There the subquery is asked once, before the statement, and an index serves each side of an ``OR`` with it; with
    ``IN`` every order of the city would be looked at.
    """

    type = sa.Boolean()
    inherit_cache = True


@compiles(Among)
def _write_in(element: Among, compiler: SQLCompiler, **options: Any) -> str:
    column, asked = (compiler.process(part, **options) for part in element.clauses)
    return f"{column} IN {asked}"


@compiles(Among, "postgresql")
def _write_any(element: Among, compiler: SQLCompiler, **options: Any) -> str:
    column, asked = (compiler.process(part, **options) for part in element.clauses)
    return f"{column} = ANY (ARRAY{asked})"


def see_orders(scope: Scope) -> sa.ColumnElement[bool]:
    """Return which orders a scope sees.

    Its units' own, those to which its units are called, those that its units had, and the emergencies in their streets.
    """
    if scope.sees_all:
        return sa.true()
    had = sa.select(TRANSFERS.c.order_id).where(TRANSFERS.c.from_unit_code.in_(scope.unit_codes))
    emergency = sa.and_(
        ORDERS.c.route == Route.EMERGENCY, ORDERS.c.street_code.in_(scope.unit_codes)
    )
    return sa.or_(work_on(scope), Among(ORDERS.c.id, had.scalar_subquery()), emergency)


def work_on(scope: Scope) -> sa.ColumnElement[bool]:
    """Return on which orders the units of a scope work: their own, and those to which they are called."""
    if scope.sees_all:
        return sa.true()
    return sa.or_(ORDERS.c.unit_code.in_(scope.unit_codes), see_called(scope))


def see_plans(scope: Scope) -> sa.ColumnElement[bool]:
    """Return which plans a scope sees: those of its streets, and every one that is approved."""
    return sa.or_(PLANS.c.sealed_at.is_not(None), PLANS.c.street_code.in_(scope.unit_codes))


def see_called(scope: Scope) -> sa.ColumnElement[bool]:
    """Return to which orders the units of a scope are called."""
    called = (
        sa.select(CALLS.c.order_id)
        .join(CALLED, CALLED.c.call_id == CALLS.c.id)
        .where(CALLED.c.unit_code.in_(scope.unit_codes))
    )
    return Among(ORDERS.c.id, called.scalar_subquery())


@lru_cache(maxsize=SCOPE_KINDS_KEPT)
def make_criteria(scope: Scope) -> tuple[Any, ...]:
    """Return the options that limit any statement to what `scope` sees."""
    rules = {**_limit_own(scope), **({} if scope.sees_all else _limit_units(scope))}
    if not scope.sees_personal:
        rules[AppealPerson] = sa.false()
    return tuple(
        with_loader_criteria(model, rule, track_closure_variables=False)
        for model, rule in rules.items()
    )


def _limit_own(scope: Scope) -> dict[Any, Any]:
    """Return what an account sees of its own kind of things, whatever orders it sees."""
    rules: dict[Any, Any] = {
        SavedView: SavedView.account_id == scope.account_id,
        FormSubmit: sa.false(),  # for the service alone
        KeptSecret: sa.false(),
        CallerSecret: sa.false(),  # for callers, who have no account
        Receipt: sa.false(),
        KeptAnswer: sa.false(),
        NoticeSetting: NoticeSetting.account_id == scope.account_id,
    }
    if scope.keeps:
        return rules
    unit = sa.and_(Message.account_id.is_(None), Message.unit_code == scope.unit_code)
    return {
        **rules,
        Message: sa.or_(Message.account_id == scope.account_id, unit),
        Account: Account.id == scope.account_id,
        AccountSession: AccountSession.account_id == scope.account_id,
        ApiToken: ApiToken.account_id == scope.account_id,
    }


def _limit_units(scope: Scope) -> dict[Any, Any]:
    sees = see_orders(scope)
    orders = sa.select(ORDERS.c.id).where(sees).correlate(None)
    appeals = sa.select(ORDERS.c.appeal_id).where(sees).correlate(None)
    # Whose order it is not any more keeps what was done, not who the person was.
    persons = sa.select(ORDERS.c.appeal_id).where(work_on(scope)).correlate(None)
    numbers = sa.select(ORDERS.c.order_no).where(sees).correlate(None)
    issues = sa.select(ORDERS.c.issue_id).where(sees, ORDERS.c.issue_id.is_not(None))
    calls = sa.select(CALLS.c.id).where(CALLS.c.order_id.in_(orders)).correlate(None)
    called = sa.select(CALLED.c.id).where(CALLED.c.call_id.in_(calls)).correlate(None)
    call_numbers = sa.select(CALLS.c.call_no).where(CALLS.c.order_id.in_(orders)).correlate(None)
    own_street = PLANS.c.street_code.in_(scope.unit_codes)
    plans = sa.select(PLANS.c.id).where(see_plans(scope)).correlate(None)
    plan_numbers = sa.select(PLANS.c.plan_no).where(own_street).correlate(None)
    plan_tasks = sa.select(PLAN_TASKS.c.id).where(PLAN_TASKS.c.plan_id.in_(plans)).correlate(None)
    issue = sa.inspect(Issue).local_table
    issue_numbers = sa.select(issue.c.issue_no).where(issue.c.id.in_(issues)).correlate(None)
    return {
        Order: see_orders(scope),
        Appeal: Appeal.id.in_(appeals),
        **{model: model.order_id.in_(orders) for model in OF_ORDERS},
        **{model: model.appeal_id.in_(appeals) for model in OF_APPEALS},
        AppealPerson: AppealPerson.appeal_id.in_(persons),
        **{model: model.unit_code.in_(scope.unit_codes) for model in COUNTED},
        AreaCount: sa.false(),  # over all units
        CalledUnit: CalledUnit.call_id.in_(calls),
        CheckIn: CheckIn.called_unit_id.in_(called),
        Issue: Issue.id.in_(issues.correlate(None)),
        IssueStep: sa.or_(
            IssueStep.issue_no.in_(issue_numbers), IssueStep.other_no.in_(issue_numbers)
        ),
        LogEntry: sa.or_(
            sa.and_(LogEntry.subject_kind == "order", LogEntry.subject_no.in_(numbers)),
            sa.and_(LogEntry.subject_kind == "whistle", LogEntry.subject_no.in_(call_numbers)),
            sa.and_(LogEntry.subject_kind == "plan", LogEntry.subject_no.in_(plan_numbers)),
        ),
        Plan: see_plans(scope),
        PlanTask: PlanTask.plan_id.in_(plans),
        **{
            model: sa.or_(model.order_id.in_(orders), model.plan_task_id.in_(plan_tasks))
            for model in (Attachment, Assignment)
        },
        TaskStep: TaskStep.plan_task_id.in_(plan_tasks),
        PlanComment: PlanComment.street_code.in_(scope.unit_codes),
        RankFollowUp: RankFollowUp.unit_code.in_(scope.unit_codes),
        Report: sa.or_(Report.unit_code == "", Report.unit_code.in_(scope.unit_codes)),
    }
