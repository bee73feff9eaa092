"""Ten million orders of a city of the size of Beijing, made inside the database in some minutes.

Set-based: one statement a table; secondary indexes are dropped before and made again after. 343 streets, whose share of
the orders falls off as it does in big cities (the first has 5 % of all), 7,546 communities, two years of days in the
order in which they came in, 2,640 items of which few are common, three quarters of the orders with the street's own
unit. Texts are put together from words that vary in how common they are.
"""

import sqlalchemy as sa

from gridgov.storage.counts.sums import rebuild
from gridgov.storage.db import make_sessions, transaction

STREETS, COMMUNITIES, CELLS, ITEMS, GROUPS, DEPARTMENTS = 343, 22, 60, 2640, 20, 60
FIRST_DAY, DAYS = "2024-01-01", 730
OPEN_DAYS = 5
"""Orders of the last days are open, and two in a hundred of all others."""
ZONE = "Asia/Shanghai"
TABLES = ("appeals", "orders", "cell_counts", "unit_counts")


def _words(text: str) -> list[str]:
    """Return the words of a text."""
    return text.split()


TROUBLES = _words(
    "小区停车位不足 路灯不亮 夜间施工噪音扰民 物业服务不到位 供暖温度不达标 垃圾清运不及时 道路破损坑洼 "
    "电梯故障困人 下水道堵塞 违法建设 占道经营 广场舞噪声 共享单车乱停放 污水外溢 墙面渗水 楼道堆物 飞线充电 "
    "井盖缺失 树木遮挡 流浪犬扰民 油烟扰民 拖欠工资 幼儿园入学咨询 社保转移 居住证办理 公交线路调整 "
    "老旧小区改造 加装电梯 自来水停水 燃气异味 天然气报修 有线电视故障 消防通道被占 充电桩安装 快递丢失 "
    "预付卡退费 房屋漏雨 地铁站口拥堵 红绿灯故障 公厕异味 健身器材损坏 绿化带枯死 渣土车遗撒 扬尘污染 焚烧秸秆 "
    "河道漂浮物 积水内涝 山体滑坡隐患 古树保护 塌陷"
)
"""What is complained about, the commonest first."""
PLACES = _words(
    "幸福 和平 建设 光明 团结 胜利 朝阳 新华 向阳 东风 友谊 红旗 解放 前进 永安 清河 望京 回龙 龙泉 石景"
)
KINDS = _words(
    "里 苑 家园 小区 花园 新村 公寓 大院 胡同 南里 北里 西区 东区 嘉园 佳苑 名邸 雅居 国际 广场 中心"
)
DETAILS = _words(
    "多次反映未修复 希望尽快处理 影响居民出行 请相关部门核实 已持续三个月 老人孩子无法休息 求助社区协调 "
    "要求书面答复 存在安全隐患 物业一直推诿 之前承诺未兑现 建议加强巡查 夜里十一点以后尤其严重 雨天更加明显 "
    "居民意见很大"
)

RAW = f"""
CREATE UNLOGGED TABLE raw AS
SELECT n AS id, '1101' || lpad((s / 22)::text, 2, '0') || lpad((s % 22)::text, 3, '0') AS street_code,
    s, lpad(floor(random() ^ 1.5 * {COMMUNITIES})::int::text, 3, '0') AS community,
    lpad(floor(random() ^ 2 * {CELLS})::int::text, 3, '0') AS cell, item,
    timestamptz '{FIRST_DAY} 00:00+08' + (n - random()) / :n * interval '{DAYS} days' AS received_at,
    random() AS fate, random() AS owner, random() AS word, random() AS place
FROM (SELECT n, floor(random() ^ 2 * {STREETS})::int AS s, floor(random() ^ 4 * {ITEMS})::int AS item
    FROM generate_series(1, :n) AS n) AS drawn"""  # noqa: S608 - numbers of ours


def _pick(words: list[str], share: str) -> str:
    """Return SQL that chooses a word by a number from 0 to 1."""
    listed = ", ".join(f"'{word}'" for word in words)
    return f"(ARRAY[{listed}])[1 + floor(({share}) * {len(words)})::int]"


APPEALS = f"""
INSERT INTO appeals (id, source, appeal_no, received_at, channel, kind, text, address, item_code, person_key, lon, lat,
    point, place_level, uncertainty_m, cell_code, community_code, street_code, district_code, confidence,
    boundary_version, created_at)
SELECT id, 'bench', 'B' || lpad(id::text, 10, '0'), received_at, '12345', '求助',
    {_pick(PLACES, "place")} || {_pick(KINDS, "place * 977 - floor(place * 977)")} || id % 40 || '号楼'
        || {_pick(TROUBLES, "word ^ 2")} || '，' || {_pick(DETAILS, "word * 991 - floor(word * 991)")} || '，'
        || {_pick(DETAILS, "place * 89 - floor(place * 89)")},
    {_pick(PLACES, "place")} || '路' || id % 997 || '号', 'I' || lpad(item::text, 4, '0'),
    md5((id % 3000000)::text), 116 + s % 19 * 0.05, 39.5 + s / 19 * 0.05,
    ST_SetSRID(ST_MakePoint(116 + s % 19 * 0.05 + owner * 0.05, 39.5 + s / 19 * 0.05 + fate * 0.05), 4326),
    'point', 10, street_code || community || cell, street_code || community, street_code, left(street_code, 6), 1,
    '2024', received_at
FROM raw WHERE id > :after AND id <= :after + :block ORDER BY id"""  # noqa: S608 - words of ours

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
FROM (SELECT *, fate < 0.02
        OR received_at > timestamptz '{FIRST_DAY} 00:00+08' + interval '{DAYS - OPEN_DAYS} days' AS is_open
    FROM raw WHERE id > :after AND id <= :after + :block) AS drawn ORDER BY id"""  # noqa: S608 - numbers of ours

RATES = """
INSERT INTO rate_counts (month, unit_code, orders, callbacks, excluded, flagged, contacted, solved, partly, satisfied,
    basically)
SELECT to_char(received_at, 'YYYY-MM'), unit_code, count(*), count(solved), 0, 0, count(solved),
    count(*) FILTER (WHERE solved = 'true'), 0, count(satisfied), 0 FROM orders GROUP BY 1, 2"""

UNITS = """
INSERT INTO units (unit_code, name, kind, district_code, level, path)
SELECT code, '单位' || code, CASE WHEN code LIKE 'U%' THEN 'department' ELSE 'street' END, left(code, 6), 'street',
    '/city/' || code || '/' FROM (SELECT DISTINCT unit_code AS code FROM orders) AS known"""

ITEMS_OF_CATALOGUE = f"""
INSERT INTO catalogue_items (item_code, level, parent_code, level1_code, name)
SELECT 'I' || lpad(n::text, 4, '0'), 3, 'G' || lpad((n % {GROUPS})::text, 2, '0'),
    'G' || lpad((n % {GROUPS})::text, 2, '0'), '事项' || n FROM generate_series(0, {ITEMS - 1}) AS n
UNION ALL SELECT 'G' || lpad(n::text, 2, '0'), 1, NULL, 'G' || lpad(n::text, 2, '0'), '类别' || n
FROM generate_series(0, {GROUPS - 1}) AS n"""  # noqa: S608 - numbers of ours

BOUNDARIES = """
INSERT INTO boundary_versions (layer, version, state, content_hash, loaded_at, events)
VALUES ('streets', '2024', 'active', '', now(), '[]')"""

AREAS = f"""
INSERT INTO areas (version_id, kind, code, name, parent_code, lon, lat, shape)
SELECT (SELECT max(id) FROM boundary_versions), 'street', code, '街道' || code, left(code, 6), 116 + s % 19 * 0.05,
    39.5 + s / 19 * 0.05, ST_Multi(ST_MakeEnvelope(116 + s % 19 * 0.05, 39.5 + s / 19 * 0.05,
        116.05 + s % 19 * 0.05, 39.55 + s / 19 * 0.05, 4326))
FROM (SELECT s, '1101' || lpad((s / 22)::text, 2, '0') || lpad((s % 22)::text, 3, '0') AS code
    FROM generate_series(0, {STREETS - 1}) AS s) AS streets"""  # noqa: S608 - numbers of ours

BLOCK = 500_000
"""Orders made in one statement."""


def fill(engine: sa.Engine, n: int) -> None:
    """Fill an empty migrated database on PostgreSQL with `n` orders and their counts."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("SET synchronous_commit = off"))
        # The rows are made to fit: ten million checks of a key say nothing new.
        connection.execute(sa.text("SET session_replication_role = replica"))
        connection.execute(sa.text("SELECT setseed(0.5)"))
        indexes = _drop_indexes(connection)
        connection.execute(sa.text(RAW), {"n": n})
        for after in range(0, n, BLOCK):
            for statement in (APPEALS, ORDERS):
                connection.execute(sa.text(statement), {"after": after, "block": BLOCK})
        for statement in (RATES, UNITS, ITEMS_OF_CATALOGUE, BOUNDARIES, AREAS):
            connection.execute(sa.text(statement))
        connection.execute(sa.text("DROP TABLE raw"))
    with transaction(make_sessions(engine)) as session:
        rebuild(session, ZONE)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("SET maintenance_work_mem = '1GB'"))
        for definition in indexes:
            connection.execute(sa.text(definition))
        connection.execute(sa.text("VACUUM ANALYZE"))


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
