"""Row scope: numbers of appeals, the roles under which accounts work, and what they may see.

Two roles own nothing: ``gridgov_app`` sees the rows of its units, ``gridgov_city`` sees every order. Which units those
are stands in settings that the service makes at the begin of each transaction (``gridgov/storage/scope/apply.py``); where
nothing was set, nothing is seen. ``gridgov/storage/scope/criteria.py`` says the same in the query layer.

Revision ID: 0003
Revises: 0002
"""

# ruff: noqa: S608 - nothing here comes from outside

import sqlalchemy as sa
from alembic import op

from gridgov.storage.db import DatabaseError

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ROLES = ("gridgov_app", "gridgov_city")

UNITS = "(SELECT gridgov_units())::text[]"  # cast: else it would be a list of rows
ACCOUNT = "(SELECT gridgov_account())"
KEEPS = "(SELECT gridgov_is_on('keeps'))"
PERSONAL = "(SELECT gridgov_is_on('sees_personal'))"

# Functions read tables as their owner: a policy that asked a table with policies would ask for ever.
_DEFINER = "LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = public, pg_temp"
FUNCTIONS = {
    "gridgov_is_on(name text)": (
        "boolean LANGUAGE sql STABLE PARALLEL SAFE AS "
        "$$ SELECT coalesce(current_setting('gridgov.' || name, true), '') = 'on' $$"
    ),
    "gridgov_units()": (
        "text[] LANGUAGE sql STABLE PARALLEL SAFE AS "
        "$$ SELECT coalesce(nullif(current_setting('gridgov.unit_codes', true), ''), '{}')::text[] $$"
    ),
    "gridgov_account()": (
        "bigint LANGUAGE sql STABLE PARALLEL SAFE AS "
        "$$ SELECT nullif(current_setting('gridgov.account_id', true), '')::bigint $$"
    ),
    "gridgov_is_called(number bigint)": (
        f"boolean {_DEFINER} AS $$ SELECT EXISTS (SELECT 1 FROM whistle_calls w JOIN called_units c "
        "ON c.call_id = w.id WHERE w.order_id = number AND c.unit_code = ANY (gridgov_units())) $$"
    ),
    "gridgov_called_orders()": (
        f"bigint[] {_DEFINER} AS $$ SELECT coalesce(array_agg(w.order_id), '{{}}') FROM whistle_calls w "
        "JOIN called_units c ON c.call_id = w.id WHERE c.unit_code = ANY (gridgov_units()) $$"
    ),
    "gridgov_sees_order(number bigint)": (
        f"boolean {_DEFINER} AS $$ SELECT EXISTS (SELECT 1 FROM orders o WHERE o.id = number "
        "AND (o.unit_code = ANY (gridgov_units()) OR gridgov_is_called(o.id))) $$"
    ),
    "gridgov_sees_appeal(number bigint)": (
        f"boolean {_DEFINER} AS $$ SELECT EXISTS (SELECT 1 FROM orders o WHERE o.appeal_id = number "
        "AND (o.unit_code = ANY (gridgov_units()) OR gridgov_is_called(o.id))) $$"
    ),
    "gridgov_sees_issue(number bigint)": (
        f"boolean {_DEFINER} AS $$ SELECT EXISTS (SELECT 1 FROM orders o WHERE o.issue_id = number "
        "AND (o.unit_code = ANY (gridgov_units()) OR gridgov_is_called(o.id))) $$"
    ),
    "gridgov_sees_call(number bigint)": (
        f"boolean {_DEFINER} AS $$ SELECT EXISTS (SELECT 1 FROM whistle_calls w WHERE w.id = number "
        "AND gridgov_sees_order(w.order_id)) $$"
    ),
    "gridgov_sees_called(number bigint)": (
        f"boolean {_DEFINER} AS $$ SELECT EXISTS (SELECT 1 FROM called_units c WHERE c.id = number "
        "AND gridgov_sees_call(c.call_id)) $$"
    ),
    "gridgov_sees_step(one text, other text)": (
        f"boolean {_DEFINER} AS $$ SELECT EXISTS (SELECT 1 FROM issues i "
        "WHERE i.issue_no IN (one, other) AND gridgov_sees_issue(i.id)) $$"
    ),
    "gridgov_sees_entry(kind text, number text)": (
        f"boolean {_DEFINER} AS $$ SELECT CASE kind "
        "WHEN 'order' THEN EXISTS (SELECT 1 FROM orders o WHERE o.order_no = number AND gridgov_sees_order(o.id)) "
        "WHEN 'whistle' THEN EXISTS (SELECT 1 FROM whistle_calls w WHERE w.call_no = number "
        "AND gridgov_sees_order(w.order_id)) ELSE false END $$"
    ),
}

OWN_UNIT = f"unit_code = ANY ({UNITS})"
OF_ORDER = "gridgov_sees_order(order_id)"
OWN_MESSAGE = (
    f"{KEEPS} OR account_id = {ACCOUNT} OR "
    "(account_id IS NULL AND unit_code = (SELECT current_setting('gridgov.unit_code', true)))"
)
OWN_ACCOUNT = f"{KEEPS} OR account_id = {ACCOUNT}"

POLICIES = {
    # table: (what gridgov_app sees, what gridgov_city sees)
    # Both lists are asked once for the statement. "IS TRUE" leaves the choice of the index to the query's own
    # conditions: with a bare OR, PostgreSQL would gather every order of a unit before it looks at anything else.
    "orders": (
        f"({OWN_UNIT} OR id = ANY ((SELECT gridgov_called_orders())::bigint[])) IS TRUE",
        "true",
    ),
    "appeals": ("gridgov_sees_appeal(id)", "true"),
    "appeal_persons": (f"{PERSONAL} AND gridgov_sees_appeal(appeal_id)", PERSONAL),
    "pin_moves": ("gridgov_sees_appeal(appeal_id)", "true"),
    "order_pauses": (OF_ORDER, "true"),
    "transfers": (OF_ORDER, "true"),
    "disputes": (OF_ORDER, "true"),
    "callbacks": (OF_ORDER, "true"),
    "exclusions": (OF_ORDER, "true"),
    "whistle_calls": (OF_ORDER, "true"),
    "called_units": ("gridgov_sees_call(call_id)", "true"),
    "check_ins": ("gridgov_sees_called(called_unit_id)", "true"),
    "issues": ("gridgov_sees_issue(id)", "true"),
    "issue_steps": ("gridgov_sees_step(issue_no, other_no)", "true"),
    "log_entries": ("gridgov_sees_entry(subject_kind, subject_no)", "true"),
    "count_deltas": (OWN_UNIT, "true"),
    "cell_counts": (OWN_UNIT, "true"),
    "unit_counts": (OWN_UNIT, "true"),
    "area_counts": ("false", "true"),  # over all units
    "messages": (OWN_MESSAGE, OWN_MESSAGE),
    "accounts": (f"{KEEPS} OR id = {ACCOUNT}", f"{KEEPS} OR id = {ACCOUNT}"),
    "account_sessions": (OWN_ACCOUNT, OWN_ACCOUNT),
    "saved_views": (f"account_id = {ACCOUNT}", f"account_id = {ACCOUNT}"),
}
ONLY_ADDED = ("log_entries",)
"""Tables of which the database refuses the rest (0002)."""


def _make_roles() -> None:
    """Make the roles, which belong to the whole cluster, and join them.

    Raises
    ------
    DatabaseError
        The account of the database may not; the message has the statements for one that may.
    """
    connection = op.get_bind()
    user = connection.scalar(sa.text("SELECT current_user"))
    made = set(
        connection.scalars(
            sa.text("SELECT rolname FROM pg_roles WHERE rolname = ANY (:roles)"),
            {"roles": list(ROLES)},
        )
    )
    try:
        with connection.begin_nested():
            for role in ROLES:
                if role not in made:
                    # Two databases of one cluster may be upgraded at the same time.
                    connection.execute(
                        sa.text(
                            f"DO $$ BEGIN CREATE ROLE {role} NOLOGIN; "
                            "EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
                        )
                    )
                if not connection.scalar(sa.text(f"SELECT pg_has_role('{role}', 'MEMBER')")):
                    connection.execute(sa.text(f"GRANT {role} TO CURRENT_USER"))
    except sa.exc.ProgrammingError as error:
        wanted = "; ".join(
            f'CREATE ROLE {role} NOLOGIN; GRANT {role} TO "{user}"' for role in ROLES
        )
        raise DatabaseError(
            f"The database account {user!r} may not make roles ({str(error.orig).strip()}). "
            f"Let an administrator of the database run once: {wanted}; then run again: gridgov db upgrade"
        ) from error


def _grant() -> None:
    tables = sa.inspect(op.get_bind()).get_table_names(schema="public")
    skipped = {"alembic_version", "spatial_ref_sys", "log_heads", *ONLY_ADDED}
    roles = ", ".join(ROLES)
    op.execute(f"GRANT USAGE ON SCHEMA public TO {roles}")
    for table in sorted(set(tables) - skipped):
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {roles}")
    for table in ONLY_ADDED:
        op.execute(f"GRANT SELECT, INSERT ON {table} TO {roles}")
    op.execute(f"GRANT SELECT, UPDATE ON log_heads TO {roles}")
    op.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {roles}")


def upgrade() -> None:
    """Make numbers, roles and policies; SQLite has one writer, no roles, and only the query layer."""
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute("CREATE SEQUENCE appeal_numbers")
    _make_roles()
    _grant()
    for name, body in FUNCTIONS.items():
        op.execute(f"CREATE FUNCTION {name} RETURNS {body}")
    for table, rules in POLICIES.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        for role, rule in zip(ROLES, rules, strict=True):
            op.execute(f"CREATE POLICY {role}_reads ON {table} FOR SELECT TO {role} USING ({rule})")
            # Who may change what is for the rules and the services; here only what is seen can be changed.
            op.execute(
                f"CREATE POLICY {role}_adds ON {table} FOR INSERT TO {role} WITH CHECK (true)"
            )
            op.execute(
                f"CREATE POLICY {role}_changes ON {table} FOR UPDATE TO {role} USING ({rule})"
            )
            op.execute(
                f"CREATE POLICY {role}_removes ON {table} FOR DELETE TO {role} USING ({rule})"
            )


def downgrade() -> None:
    """Take policies, functions and grants away; the roles stay, other databases may use them."""
    if op.get_bind().dialect.name != "postgresql":
        return
    for table in POLICIES:
        for role in ROLES:
            for what in ("reads", "adds", "changes", "removes"):
                op.execute(f"DROP POLICY {role}_{what} ON {table}")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    for name in reversed(FUNCTIONS):
        op.execute(f"DROP FUNCTION {name}")
    op.execute(f"DROP OWNED BY {', '.join(ROLES)}")
    op.execute("DROP SEQUENCE appeal_numbers")
