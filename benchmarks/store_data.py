"""Ten million orders of a city of the size of Beijing, made inside the database in some minutes.

Set-based: one statement a table; secondary indexes are dropped before and made again after. 343 streets, whose share of
the orders falls off as it does in big cities, 7,546 communities, a year of days, 2,640 items of which few are common,
three quarters of the orders with the street's own unit.
"""

import sqlalchemy as sa

from gridgov.storage.count_sums import rebuild
from gridgov.storage.db import make_sessions, transaction

STREETS, COMMUNITIES, CELLS, ITEMS, GROUPS, DEPARTMENTS = 343, 22, 60, 2640, 20, 60
FIRST_DAY, DAYS = "2025-01-01", 365
ZONE = "Asia/Shanghai"
TABLES = ("appeals", "orders", "cell_counts", "area_counts", "rate_counts")

KEY = "PRIMARY KEY (kind, unit_code, span, start_on, level1_code, code)"

RAW = f"""
CREATE UNLOGGED TABLE raw AS
SELECT n AS id, '1101' || lpad((s / 22)::text, 2, '0') || lpad((s % 22)::text, 3, '0') AS street_code,
    s, lpad(floor(random() ^ 1.5 * {COMMUNITIES})::int::text, 3, '0') AS community,
    lpad(floor(random() ^ 2 * {CELLS})::int::text, 3, '0') AS cell, item,
    timestamptz '{FIRST_DAY} 00:00+08' + random() * interval '{DAYS} days' AS received_at,
    random() AS fate, random() AS owner
FROM (SELECT n, floor(random() ^ 2 * {STREETS})::int AS s, floor(random() ^ 4 * {ITEMS})::int AS item
    FROM generate_series(1, :n) AS n) AS drawn"""  # noqa: S608 - numbers of ours

APPEALS = """
INSERT INTO appeals (id, source, appeal_no, received_at, channel, kind, text, address, item_code, person_key, lon, lat,
    point, place_level, uncertainty_m, cell_code, community_code, street_code, district_code, confidence,
    boundary_version, created_at)
SELECT id, 'bench', 'B' || lpad(id::text, 10, '0'), received_at, '12345', '求助',
    '第' || id || '件：小区门口路灯不亮，多次反映未修复', '幸福路' || id % 997 || '号', 'I' || lpad(item::text, 4, '0'),
    md5((id % 3000000)::text), 116 + s % 19 * 0.05, 39.5 + s / 19 * 0.05,
    ST_SetSRID(ST_MakePoint(116 + s % 19 * 0.05 + owner * 0.05, 39.5 + s / 19 * 0.05 + fate * 0.05), 4326),
    'point', 10, street_code || community || cell, street_code || community, street_code, left(street_code, 6), 1,
    '2024', received_at
FROM raw"""

ORDERS = f"""
INSERT INTO orders (id, order_no, appeal_id, version, state, state_at, unit_code, desk_code, bound_unit_code,
    merged_into, replied_by, route, grade, review, reasons,
    dispatched_at, contact_by, due_at, contacted_at, replied_at, closed_at,
    outcome, called_at, contacted, solved, satisfied, received_at, kind, item_code, level1_code, cell_code,
    community_code, street_code, district_code, lon, lat, boundary_version)
SELECT id, 'B' || lpad(id::text, 10, '0') || '-1', id, 1,
    CASE WHEN is_open THEN 'handling' WHEN fate < 0.9 THEN 'closed_solved' ELSE 'closed_unsolved' END, received_at,
    CASE WHEN owner < 0.75 THEN street_code ELSE 'U' || lpad((item % {DEPARTMENTS})::text, 3, '0') END, 'desk', '', '',
    '', 'street', '7d', owner < 0.05, '', received_at, received_at + interval '1 day', received_at + interval '7 days',
    received_at + interval '2 hours', CASE WHEN NOT is_open THEN received_at + interval '4 days' END,
    CASE WHEN NOT is_open THEN received_at + interval '6 days' END,
    CASE WHEN is_open THEN 'open' WHEN fate < 0.9 THEN 'solved' ELSE 'unsolved' END,
    CASE WHEN NOT is_open THEN received_at + interval '6 days' END, NOT is_open,
    CASE WHEN NOT is_open THEN (fate < 0.9)::text END, CASE WHEN NOT is_open THEN 'satisfied' END, received_at, '求助',
    'I' || lpad(item::text, 4, '0'), 'G' || lpad((item % {GROUPS})::text, 2, '0'), street_code || community || cell,
    street_code || community, street_code, left(street_code, 6), 116 + s % 19 * 0.05, 39.5 + s / 19 * 0.05, '2024'
FROM (SELECT *, fate < 0.02 OR received_at > timestamptz '{FIRST_DAY} 00:00+08' + interval '{DAYS - 5} days' AS is_open
    FROM raw) AS drawn"""  # noqa: S608 - numbers of ours

RATES = """
INSERT INTO rate_counts (month, unit_code, orders, callbacks, excluded, flagged, contacted, solved, partly, satisfied,
    basically)
SELECT to_char(received_at, 'YYYY-MM'), unit_code, count(*), count(solved), 0, 0, count(solved),
    count(*) FILTER (WHERE solved = 'true'), 0, count(satisfied), 0 FROM orders GROUP BY 1, 2"""

UNITS = """
INSERT INTO units (unit_code, name, kind, district_code, level, path)
SELECT code, '单位' || code, CASE WHEN code LIKE 'U%' THEN 'department' ELSE 'street' END, left(code, 6), 'street',
    '/' || code || '/' FROM (SELECT DISTINCT unit_code AS code FROM orders) AS known"""


def fill(engine: sa.Engine, n: int) -> None:
    """Fill an empty migrated database on PostgreSQL with `n` orders and their counts."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("SET synchronous_commit = off"))
        # The rows are made to fit: ten million checks of a key say nothing new.
        connection.execute(sa.text("SET session_replication_role = replica"))
        connection.execute(sa.text("SELECT setseed(0.5)"))
        indexes = _drop_indexes(connection)
        for statement in (RAW, APPEALS, ORDERS, RATES, UNITS):
            connection.execute(sa.text(statement), {"n": n} if statement is RAW else {})
        connection.execute(sa.text("DROP TABLE raw"))
        connection.execute(sa.text("ALTER TABLE area_counts DROP CONSTRAINT pk_area_counts"))
    with transaction(make_sessions(engine)) as session:
        rebuild(session, ZONE)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("SET maintenance_work_mem = '1GB'"))
        connection.execute(sa.text(f"ALTER TABLE area_counts ADD CONSTRAINT pk_area_counts {KEY}"))
        for definition in indexes:
            connection.execute(sa.text(definition))
        for table in (*TABLES, "units"):
            connection.execute(sa.text(f"VACUUM ANALYZE {table}"))


def _drop_indexes(connection: sa.Connection) -> list[str]:
    """Drop indexes that are no constraints, and return how to make them again."""
    found = connection.execute(
        sa.text(
            "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename = ANY(:tables) "
            "AND indexname LIKE 'ix%'"
        ),
        {"tables": list(TABLES)},
    ).all()
    for name, _definition in found:
        connection.execute(sa.text(f'DROP INDEX "{name}"'))
    return [definition for _name, definition in found]
