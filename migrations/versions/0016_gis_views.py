"""Views for people who come with a GIS or with SQL: areas, cells, orders, hotspots, tasks, each column with a comment.

They stand in a schema of their own and are read through the role ``gridgov_reader``, which may read nothing else: not the
tables, not the persons of appeals. It sees every order, as an analyst does. A login gets it by
``GRANT gridgov_reader TO login``. SQLite has no schemas and no roles, and gets none of this.

Revision ID: 0016
Revises: 0015
"""

import json
from pathlib import Path

import sqlalchemy as sa
from alembic import op

from gridgov.storage.db import DatabaseError

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

READER = "gridgov_reader"
COMMENTS = Path(__file__).resolve().parents[1] / "gis_views.json"

_AREA = "a.code, a.name, a.parent_code, v.version, v.valid_from, v.valid_to, a.shape"
_AREAS = f"SELECT a.id, {_AREA} FROM areas a JOIN boundary_versions v ON v.id = a.version_id WHERE"  # noqa: S608 - no value comes from outside
_NEWEST_UNIT = "(SELECT u.name FROM units u WHERE u.unit_code = o.unit_code ORDER BY u.valid_from DESC NULLS LAST LIMIT 1)"
_NEWEST_ITEM = "(SELECT i.name FROM catalogue_items i WHERE i.item_code = o.item_code ORDER BY i.valid_from DESC NULLS LAST LIMIT 1)"
_STREET = (
    "LEFT JOIN areas s ON s.kind = 'street' AND s.code = {code} AND s.version_id = "
    "(SELECT max(b.id) FROM boundary_versions b WHERE b.state = 'active')"
)
VIEWS = {
    "districts": f"{_AREAS} a.kind = 'district' AND v.state = 'active'",
    "streets": f"{_AREAS} a.kind = 'street' AND v.state = 'active'",
    "communities": f"{_AREAS} a.kind = 'community' AND v.state = 'active'",
    "boundaries": (
        f"SELECT a.id, a.kind, {_AREA} FROM areas a JOIN boundary_versions v ON v.id = a.version_id "  # noqa: S608 - no value comes from outside
        "WHERE v.state <> 'inactive'"
    ),
    "cells": (
        "SELECT cell_code, community_code, street_code, valid_from, valid_to, shape FROM cells"
    ),
    "orders": (
        "SELECT o.id, o.order_no, p.appeal_no, o.state, o.outcome, o.unit_code, "  # noqa: S608 - no value comes from outside
        f"{_NEWEST_UNIT} AS unit_name, o.item_code, {_NEWEST_ITEM} AS item_name, o.level1_code, "
        "o.district_code, o.street_code, s.name AS street_name, o.community_code, o.cell_code, p.channel, o.kind, "
        "o.route, o.grade, p.address, p.text, o.received_at, o.contacted_at, o.due_at, o.closed_at, p.place_level, "
        "p.uncertainty_m, p.point FROM orders o JOIN appeals p ON p.id = o.appeal_id "
        + _STREET.format(code="o.street_code")
    ),
    "hotspots": (
        "SELECT id, hotspot_no, kind, level1_code, item_code, name, street_code, community_code, radius_m, "
        "window_start, window_end, count, expected, q, run_at, shape FROM hotspots "
        "WHERE run_at = (SELECT max(run_at) FROM hotspots)"
    ),
    "tasks": (
        "SELECT t.id, n.plan_no, t.task_no, t.title, t.state, n.street_code, t.hotspot_no, t.lead_unit_code, "  # noqa: S608 - no value comes from outside
        "t.start_on, t.due_on, t.progress_share, coalesce(h.shape, s.shape) AS shape FROM plan_tasks t "
        "JOIN plans n ON n.id = t.plan_id AND n.id = (SELECT m.id FROM plans m WHERE m.street_code = n.street_code "
        "ORDER BY (m.state = 'running') DESC, m.made_at DESC, m.revision DESC, m.id DESC LIMIT 1) "
        "LEFT JOIN LATERAL (SELECT shape FROM hotspots WHERE hotspot_no = t.hotspot_no ORDER BY run_at DESC LIMIT 1) h "
        "ON true " + _STREET.format(code="n.street_code") + " WHERE t.state <> 'dropped'"
    ),
}


def _make_reader() -> None:
    connection = op.get_bind()
    try:
        with connection.begin_nested():
            connection.execute(
                sa.text(
                    f"DO $$ BEGIN CREATE ROLE {READER} NOLOGIN; "
                    "EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
                )
            )
    except sa.exc.ProgrammingError as error:
        raise DatabaseError(
            f"The database account may not make roles ({str(error.orig).strip()}). Let an administrator of the database "
            f"run once: CREATE ROLE {READER} NOLOGIN; then run again: gridgov db upgrade"
        ) from error


def upgrade() -> None:
    """Make the views with their comments, and who may read them."""
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return
    comments = json.loads(COMMENTS.read_text("utf-8"))
    op.execute("CREATE SCHEMA gis")
    _make_reader()
    for name, select in VIEWS.items():
        op.execute(f"CREATE VIEW gis.{name} AS {select}")
        _comment(f"VIEW gis.{name}", comments[f"gis.{name}"])
        for column in sa.inspect(connection).get_columns(name, schema="gis"):
            if column["name"] in comments:
                _comment(f"COLUMN gis.{name}.{column['name']}", comments[column["name"]])
        op.execute(f"GRANT SELECT ON gis.{name} TO {READER}")
    op.execute(f"GRANT USAGE ON SCHEMA gis TO {READER}")


def _comment(what: str, text: str) -> None:
    quoted = text.replace("'", "''")
    op.execute(f"COMMENT ON {what} IS '{quoted}'")


def downgrade() -> None:
    """Remove them; the role stays, other databases may use it."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP SCHEMA gis CASCADE")
