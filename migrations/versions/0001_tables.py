"""Tables of the service.

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op

from gridgov.storage.types import BigId, Geom, Instant, Json

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables and their indexes; PostGIS is asked for first."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("CREATE EXTENSION IF NOT EXISTS postgis")
    op.create_table(
        "accounts",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("login", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.String(32), nullable=False),
        sa.Column("unit_code", sa.String(length=32), nullable=False),
        sa.Column("person_key", sa.String(length=64), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("totp_secret", sa.Text(), nullable=True),
        sa.Column("totp_step", sa.BigInteger(), nullable=True),
        sa.Column("oidc_subject", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("wrong_tries", sa.Integer(), nullable=False),
        sa.Column("locked_until", Instant(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("signed_in_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("login", name=op.f("uq_accounts_login")),
        sa.UniqueConstraint("oidc_subject", name=op.f("uq_accounts_oidc_subject")),
        sa.UniqueConstraint("person_key", name=op.f("uq_accounts_person_key")),
    )
    op.create_table(
        "appeals",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("appeal_no", sa.String(length=80), nullable=False),
        sa.Column("received_at", Instant(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("item_code", sa.String(length=200), nullable=True),
        sa.Column("item_confidence", sa.Float(precision=53), nullable=True),
        sa.Column("person_key", sa.String(length=64), nullable=True),
        sa.Column("unit_recorded", sa.Text(), nullable=True),
        sa.Column("lon", sa.Float(precision=53), nullable=True),
        sa.Column("lat", sa.Float(precision=53), nullable=True),
        sa.Column("point", Geom("POINT"), nullable=True),
        sa.Column("place_level", sa.String(length=16), nullable=True),
        sa.Column("uncertainty_m", sa.Float(precision=53), nullable=True),
        sa.Column("matched", sa.Text(), nullable=True),
        sa.Column("place_problem", sa.Text(), nullable=True),
        sa.Column("cell_code", sa.String(length=40), nullable=True),
        sa.Column("community_code", sa.String(length=32), nullable=True),
        sa.Column("street_code", sa.String(length=32), nullable=True),
        sa.Column("district_code", sa.String(length=32), nullable=True),
        sa.Column("exception_code", sa.String(length=64), nullable=True),
        sa.Column("boundary_m", sa.Float(precision=53), nullable=True),
        sa.Column("neighbour_code", sa.String(length=32), nullable=True),
        sa.Column("confidence", sa.Float(precision=53), nullable=True),
        sa.Column("boundary_version", sa.String(length=64), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appeals")),
        sa.UniqueConstraint("source", "appeal_no", name=op.f("uq_appeals_source_appeal_no")),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.create_index(
            "ix_appeals_point_gist", "appeals", ["point"], unique=False, postgresql_using="gist"
        )
    op.create_table(
        "area_counts",
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("days", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("start_on", sa.Date(), nullable=False),
        sa.Column(
            "street_code",
            sa.String(length=32).with_variant(sa.String(length=32, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "code",
            sa.String(length=200).with_variant(sa.String(length=200, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("open", sa.Integer(), nullable=False),
        sa.Column("solved", sa.Integer(), nullable=False),
        sa.Column("partly", sa.Integer(), nullable=False),
        sa.Column("unsolved", sa.Integer(), nullable=False),
        sa.Column("excluded", sa.Integer(), nullable=False),
        sa.Column("merged", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(
            "kind", "days", "start_on", "street_code", "code", name=op.f("pk_area_counts")
        ),
    )
    op.create_table(
        "boundary_versions",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("layer", sa.String(length=32), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("loaded_at", Instant(), nullable=False),
        sa.Column("events", Json, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_boundary_versions")),
        sa.UniqueConstraint("layer", "version", name=op.f("uq_boundary_versions_layer_version")),
    )
    op.create_table(
        "catalogue_items",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("item_code", sa.String(length=200), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("parent_code", sa.String(length=200), nullable=True),
        sa.Column("level1_code", sa.String(length=200), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("guidance", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("grade", sa.String(length=16), nullable=True),
        sa.Column("lead", sa.Text(), nullable=True),
        sa.Column("helpers", sa.Text(), nullable=True),
        sa.Column("scene_code", sa.String(length=64), nullable=True),
        sa.Column("route", sa.String(length=32), nullable=True),
        sa.Column("tags", sa.Text(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_catalogue_items")),
        sa.UniqueConstraint(
            "item_code", "valid_from", name=op.f("uq_catalogue_items_item_code_valid_from")
        ),
    )
    op.create_index(
        op.f("ix_catalogue_items_item_code"), "catalogue_items", ["item_code"], unique=False
    )
    op.create_table(
        "cell_counts",
        sa.Column(
            "cell_code",
            sa.String(length=40).with_variant(sa.String(length=40, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column(
            "item_code",
            sa.String(length=200).with_variant(sa.String(length=200, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "unit_code",
            sa.String(length=32).with_variant(sa.String(length=32, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "community_code",
            sa.String(length=32).with_variant(sa.String(length=32, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "street_code",
            sa.String(length=32).with_variant(sa.String(length=32, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "level1_code",
            sa.String(length=200).with_variant(sa.String(length=200, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("open", sa.Integer(), nullable=False),
        sa.Column("solved", sa.Integer(), nullable=False),
        sa.Column("partly", sa.Integer(), nullable=False),
        sa.Column("unsolved", sa.Integer(), nullable=False),
        sa.Column("excluded", sa.Integer(), nullable=False),
        sa.Column("merged", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(
            "cell_code",
            "day",
            "item_code",
            "unit_code",
            "community_code",
            "street_code",
            "level1_code",
            name=op.f("pk_cell_counts"),
        ),
    )
    op.create_index("ix_cell_counts_item_day", "cell_counts", ["item_code", "day"], unique=False)
    op.create_index(
        "ix_cell_counts_level1_day", "cell_counts", ["level1_code", "day"], unique=False
    )
    op.create_index(
        "ix_cell_counts_street_day",
        "cell_counts",
        ["street_code", "day"],
        unique=False,
        postgresql_include=[
            "cell_code",
            "open",
            "solved",
            "partly",
            "unsolved",
            "excluded",
            "merged",
        ],
    )
    op.create_index("ix_cell_counts_unit_day", "cell_counts", ["unit_code", "day"], unique=False)
    op.create_table(
        "cells",
        sa.Column("cell_code", sa.String(length=40), nullable=False),
        sa.Column("community_code", sa.String(length=32), nullable=True),
        sa.Column("street_code", sa.String(length=32), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("lon", sa.Float(precision=53), nullable=False),
        sa.Column("lat", sa.Float(precision=53), nullable=False),
        sa.Column("shape", Geom("MULTIPOLYGON"), nullable=False),
        sa.PrimaryKeyConstraint("cell_code", name=op.f("pk_cells")),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.create_index(
            "ix_cells_shape_gist", "cells", ["shape"], unique=False, postgresql_using="gist"
        )
    op.create_index("ix_cells_street_code", "cells", ["street_code"], unique=False)
    op.create_table(
        "city_packs",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("boundary_version", sa.String(length=64), nullable=False),
        sa.Column("loaded_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_city_packs")),
    )
    op.create_table(
        "count_deltas",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column(
            "cell_code",
            sa.String(length=40).with_variant(sa.String(length=40, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "community_code",
            sa.String(length=32).with_variant(sa.String(length=32, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "street_code",
            sa.String(length=32).with_variant(sa.String(length=32, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "unit_code",
            sa.String(length=32).with_variant(sa.String(length=32, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column(
            "item_code",
            sa.String(length=200).with_variant(sa.String(length=200, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "level1_code",
            sa.String(length=200).with_variant(sa.String(length=200, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_count_deltas")),
    )
    op.create_table(
        "duties",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("duty_code", sa.String(length=64), nullable=False),
        sa.Column("scene_code", sa.String(length=64), nullable=False),
        sa.Column("scene_name", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("days", sa.Float(precision=53), nullable=True),
        sa.Column("authority", sa.Text(), nullable=True),
        sa.Column("batch", sa.String(length=32), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duties")),
    )
    op.create_index(op.f("ix_duties_duty_code"), "duties", ["duty_code"], unique=False)
    op.create_index(op.f("ix_duties_scene_code"), "duties", ["scene_code"], unique=False)
    op.create_table(
        "duty_dependencies",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("before_duty", sa.String(length=64), nullable=False),
        sa.Column("after_duty", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_dependencies")),
    )
    op.create_index(
        op.f("ix_duty_dependencies_after_duty"), "duty_dependencies", ["after_duty"], unique=False
    )
    op.create_index(
        op.f("ix_duty_dependencies_before_duty"), "duty_dependencies", ["before_duty"], unique=False
    )
    op.create_table(
        "hotspots",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("run_at", Instant(), nullable=False),
        sa.Column("hotspot_no", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("level1_code", sa.String(length=200), nullable=False),
        sa.Column("item_code", sa.String(length=200), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("street_code", sa.String(length=32), nullable=True),
        sa.Column("community_code", sa.String(length=32), nullable=True),
        sa.Column("lon", sa.Float(precision=53), nullable=False),
        sa.Column("lat", sa.Float(precision=53), nullable=False),
        sa.Column("radius_m", sa.Float(precision=53), nullable=False),
        sa.Column("cells", Json, nullable=False),
        sa.Column("window_start", sa.Date(), nullable=False),
        sa.Column("window_end", sa.Date(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("expected", sa.Float(precision=53), nullable=False),
        sa.Column("q", sa.Float(precision=53), nullable=False),
        sa.Column("figures", Json, nullable=False),
        sa.Column("shape", Geom("GEOMETRY"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hotspots")),
        sa.UniqueConstraint("run_at", "hotspot_no", name=op.f("uq_hotspots_run_at_hotspot_no")),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.create_index(
            "ix_hotspots_shape_gist", "hotspots", ["shape"], unique=False, postgresql_using="gist"
        )
    op.create_index(op.f("ix_hotspots_street_code"), "hotspots", ["street_code"], unique=False)
    op.create_table(
        "import_runs",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("file_hash", sa.String(length=64), nullable=False),
        sa.Column("rows_read", sa.Integer(), nullable=False),
        sa.Column("started_at", Instant(), nullable=False),
        sa.Column("finished_at", Instant(), nullable=True),
        sa.Column("counts", Json, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_runs")),
        sa.UniqueConstraint("source", "file_hash", name=op.f("uq_import_runs_source_file_hash")),
    )
    op.create_table(
        "issue_steps",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("step", sa.String(length=8), nullable=False),
        sa.Column("issue_no", sa.String(length=80), nullable=False),
        sa.Column("other_no", sa.String(length=80), nullable=False),
        sa.Column("order_nos", Json, nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("made_by", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_issue_steps")),
    )
    op.create_index(op.f("ix_issue_steps_issue_no"), "issue_steps", ["issue_no"], unique=False)
    op.create_index(op.f("ix_issue_steps_other_no"), "issue_steps", ["other_no"], unique=False)
    op.create_table(
        "issues",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("issue_no", sa.String(length=80), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("item_code", sa.String(length=200), nullable=True),
        sa.Column("cell_code", sa.String(length=40), nullable=True),
        sa.Column("split_from", sa.String(length=80), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_issues")),
        sa.UniqueConstraint("issue_no", name=op.f("uq_issues_issue_no")),
    )
    op.create_table(
        "job_states",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("done_at", Instant(), nullable=False),
        sa.Column("value", Json, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_job_states")),
    )
    op.create_table(
        "log_entries",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("chain", sa.SmallInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("subject_kind", sa.String(length=16), nullable=False),
        sa.Column("subject_no", sa.String(length=80), nullable=False),
        sa.Column("person_key", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("unit_code", sa.String(length=32), nullable=False),
        sa.Column("origin", sa.String(length=64), nullable=False),
        sa.Column("before", Json, nullable=True),
        sa.Column("after", Json, nullable=True),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log_entries")),
        sa.UniqueConstraint("chain", "position", name=op.f("uq_log_entries_chain_position")),
    )
    op.create_index("ix_log_entries_at", "log_entries", ["at"], unique=False)
    op.create_index(
        "ix_log_entries_subject", "log_entries", ["subject_kind", "subject_no", "id"], unique=False
    )
    op.create_table(
        "log_heads",
        sa.Column("chain", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("chain", name=op.f("pk_log_heads")),
    )
    op.create_table(
        "plans",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("plan_no", sa.String(length=80), nullable=False),
        sa.Column("street_code", sa.String(length=32), nullable=False),
        sa.Column("period", sa.String(length=32), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("document", Json, nullable=False),
        sa.Column("made_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plans")),
        sa.UniqueConstraint("plan_no", name=op.f("uq_plans_plan_no")),
        sa.UniqueConstraint(
            "street_code", "period", "revision", name=op.f("uq_plans_street_code_period_revision")
        ),
    )
    op.create_index(op.f("ix_plans_street_code"), "plans", ["street_code"], unique=False)
    op.create_table(
        "rate_counts",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("month", sa.String(length=16), nullable=False),
        sa.Column("unit_code", sa.String(length=32), nullable=False),
        sa.Column("orders", sa.Integer(), nullable=False),
        sa.Column("callbacks", sa.Integer(), nullable=False),
        sa.Column("excluded", sa.Integer(), nullable=False),
        sa.Column("flagged", sa.Integer(), nullable=False),
        sa.Column("contacted", sa.Integer(), nullable=False),
        sa.Column("solved", sa.Integer(), nullable=False),
        sa.Column("partly", sa.Integer(), nullable=False),
        sa.Column("satisfied", sa.Integer(), nullable=False),
        sa.Column("basically", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rate_counts")),
    )
    op.create_index(
        "ix_rate_counts_month_unit", "rate_counts", ["month", "unit_code"], unique=False
    )
    op.create_table(
        "reports",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("period", sa.String(length=32), nullable=False),
        sa.Column("unit_code", sa.String(length=32), nullable=False),
        sa.Column("content", Json, nullable=False),
        sa.Column("made_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reports")),
        sa.UniqueConstraint(
            "kind", "period", "unit_code", name=op.f("uq_reports_kind_period_unit_code")
        ),
    )
    op.create_table(
        "request_counts",
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("span", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("until", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("key", "span", name=op.f("pk_request_counts")),
    )
    op.create_index(op.f("ix_request_counts_until"), "request_counts", ["until"], unique=False)
    op.create_table(
        "street_classes",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("street_code", sa.String(length=32), nullable=False),
        sa.Column("month", sa.String(length=16), nullable=False),
        sa.Column("proposed", sa.String(length=32), nullable=True),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("decided", sa.String(length=32), nullable=True),
        sa.Column("decided_by", sa.String(length=64), nullable=True),
        sa.Column("decided_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_street_classes")),
        sa.UniqueConstraint(
            "street_code", "month", name=op.f("uq_street_classes_street_code_month")
        ),
    )
    op.create_table(
        "unit_counts",
        sa.Column(
            "unit_code",
            sa.String(length=32).with_variant(sa.String(length=32, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("days", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("start_on", sa.Date(), nullable=False),
        sa.Column(
            "level1_code",
            sa.String(length=200).with_variant(sa.String(length=200, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "street_code",
            sa.String(length=32).with_variant(sa.String(length=32, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("open", sa.Integer(), nullable=False),
        sa.Column("solved", sa.Integer(), nullable=False),
        sa.Column("partly", sa.Integer(), nullable=False),
        sa.Column("unsolved", sa.Integer(), nullable=False),
        sa.Column("excluded", sa.Integer(), nullable=False),
        sa.Column("merged", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(
            "unit_code",
            "days",
            "start_on",
            "level1_code",
            "street_code",
            name=op.f("pk_unit_counts"),
        ),
    )
    op.create_index(
        "ix_unit_counts_level1", "unit_counts", ["level1_code", "days", "start_on"], unique=False
    )
    op.create_table(
        "units",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("unit_code", sa.String(length=32), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("parent_code", sa.String(length=32), nullable=True),
        sa.Column("district_code", sa.String(length=32), nullable=True),
        sa.Column("level", sa.String(length=16), nullable=True),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_units")),
        sa.UniqueConstraint("unit_code", "valid_from", name=op.f("uq_units_unit_code_valid_from")),
    )
    op.create_index(
        "ix_units_path",
        "units",
        ["path"],
        unique=False,
        postgresql_ops={"path": "text_pattern_ops"},
    )
    op.create_index(op.f("ix_units_unit_code"), "units", ["unit_code"], unique=False)
    op.create_table(
        "webhooks",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("unit_code", sa.String(length=32), nullable=False),
        sa.Column("topic", sa.String(length=32), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhooks")),
    )
    op.create_index(op.f("ix_webhooks_unit_code"), "webhooks", ["unit_code"], unique=False)
    op.create_table(
        "account_sessions",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("seen_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_account_sessions_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_sessions")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_account_sessions_token_hash")),
    )
    op.create_index(
        op.f("ix_account_sessions_account_id"), "account_sessions", ["account_id"], unique=False
    )
    op.create_table(
        "appeal_persons",
        sa.Column("appeal_id", BigId, autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("raw_text", sa.Text(), nullable=True),
        sa.Column("raw_address", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["appeal_id"], ["appeals.id"], name=op.f("fk_appeal_persons_appeal_id")
        ),
        sa.PrimaryKeyConstraint("appeal_id", name=op.f("pk_appeal_persons")),
    )
    op.create_table(
        "areas",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("version_id", BigId, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("parent_code", sa.String(length=32), nullable=True),
        sa.Column("unit_code", sa.String(length=32), nullable=True),
        sa.Column("exception_kind", sa.Text(), nullable=True),
        sa.Column("priority", sa.Integer(), nullable=True),
        sa.Column("lon", sa.Float(precision=53), nullable=False),
        sa.Column("lat", sa.Float(precision=53), nullable=False),
        sa.Column("shape", Geom("MULTIPOLYGON"), nullable=False),
        sa.ForeignKeyConstraint(
            ["version_id"], ["boundary_versions.id"], name=op.f("fk_areas_version_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_areas")),
        sa.UniqueConstraint(
            "version_id", "kind", "code", name=op.f("uq_areas_version_id_kind_code")
        ),
    )
    op.create_index("ix_areas_kind_code", "areas", ["kind", "code"], unique=False)
    if op.get_bind().dialect.name == "postgresql":
        op.create_index(
            "ix_areas_shape_gist", "areas", ["shape"], unique=False, postgresql_using="gist"
        )
    op.create_table(
        "import_batches",
        sa.Column("run_id", BigId, nullable=False),
        sa.Column("batch", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("known", sa.Integer(), nullable=False),
        sa.Column("done_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["import_runs.id"], name=op.f("fk_import_batches_run_id")
        ),
        sa.PrimaryKeyConstraint("run_id", "batch", name=op.f("pk_import_batches")),
    )
    op.create_table(
        "messages",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("message_key", sa.String(length=120), nullable=False),
        sa.Column("channel", sa.String(length=8), nullable=False),
        sa.Column("topic", sa.String(length=32), nullable=False),
        sa.Column("account_id", BigId, nullable=True),
        sa.Column("unit_code", sa.String(length=32), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", Json, nullable=False),
        sa.Column("order_no", sa.String(length=80), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("not_before", Instant(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("delivered_at", Instant(), nullable=True),
        sa.Column("dead_at", Instant(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("read_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_messages_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
        sa.UniqueConstraint("message_key", name=op.f("uq_messages_message_key")),
    )
    op.create_index(
        "ix_messages_account_unread", "messages", ["account_id", "read_at"], unique=False
    )
    op.create_index(op.f("ix_messages_unit_code"), "messages", ["unit_code"], unique=False)
    op.create_index(
        "ix_messages_waiting",
        "messages",
        ["not_before", "id"],
        unique=False,
        postgresql_where=sa.text("delivered_at IS NULL AND dead_at IS NULL"),
        sqlite_where=sa.text("delivered_at IS NULL AND dead_at IS NULL"),
    )
    op.create_table(
        "orders",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("order_no", sa.String(length=80), nullable=False),
        sa.Column("appeal_id", BigId, nullable=False),
        sa.Column("issue_id", BigId, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("state_at", Instant(), nullable=False),
        sa.Column("unit_code", sa.String(length=32), nullable=False),
        sa.Column("desk_code", sa.String(length=32), nullable=False),
        sa.Column("bound_unit_code", sa.String(length=32), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("merged_into", sa.String(length=80), nullable=False),
        sa.Column("replied_by", sa.String(length=64), nullable=False),
        sa.Column("route", sa.String(length=32), nullable=False),
        sa.Column("grade", sa.String(length=16), nullable=False),
        sa.Column("review", sa.Boolean(), nullable=False),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("dispatched_at", Instant(), nullable=True),
        sa.Column("contact_by", Instant(), nullable=True),
        sa.Column("due_at", Instant(), nullable=True),
        sa.Column("warned_at", Instant(), nullable=True),
        sa.Column("overdue_at", Instant(), nullable=True),
        sa.Column("contacted_at", Instant(), nullable=True),
        sa.Column("replied_at", Instant(), nullable=True),
        sa.Column("closed_at", Instant(), nullable=True),
        sa.Column("outcome", sa.String(32), nullable=False),
        sa.Column("called_at", Instant(), nullable=True),
        sa.Column("contacted", sa.Boolean(), nullable=True),
        sa.Column("solved", sa.String(length=8), nullable=True),
        sa.Column("satisfied", sa.String(length=16), nullable=True),
        sa.Column("received_at", Instant(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("item_code", sa.String(length=200), nullable=True),
        sa.Column("level1_code", sa.String(length=200), nullable=True),
        sa.Column("cell_code", sa.String(length=40), nullable=True),
        sa.Column("community_code", sa.String(length=32), nullable=True),
        sa.Column("street_code", sa.String(length=32), nullable=True),
        sa.Column("district_code", sa.String(length=32), nullable=True),
        sa.Column("lon", sa.Float(precision=53), nullable=True),
        sa.Column("lat", sa.Float(precision=53), nullable=True),
        sa.Column("boundary_version", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["appeal_id"], ["appeals.id"], name=op.f("fk_orders_appeal_id")),
        sa.ForeignKeyConstraint(["issue_id"], ["issues.id"], name=op.f("fk_orders_issue_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint("order_no", name=op.f("uq_orders_order_no")),
    )
    op.create_index("ix_orders_appeal", "orders", ["appeal_id"], unique=False)
    op.create_index("ix_orders_cell", "orders", ["cell_code"], unique=False)
    op.create_index(
        "ix_orders_issue",
        "orders",
        ["issue_id"],
        unique=False,
        postgresql_where=sa.text("issue_id IS NOT NULL"),
        sqlite_where=sa.text("issue_id IS NOT NULL"),
    )
    op.create_index(
        "ix_orders_open_due",
        "orders",
        ["due_at", "unit_code"],
        unique=False,
        postgresql_where=sa.text("outcome = 'open' AND replied_at IS NULL"),
        sqlite_where=sa.text("outcome = 'open' AND replied_at IS NULL"),
    )
    op.create_index(
        "ix_orders_open_review",
        "orders",
        ["unit_code"],
        unique=False,
        postgresql_where=sa.text("outcome = 'open' AND review IS TRUE"),
        sqlite_where=sa.text("outcome = 'open' AND review IS 1"),
    )
    op.create_index(
        "ix_orders_open_state",
        "orders",
        ["state"],
        unique=False,
        postgresql_where=sa.text("outcome = 'open'"),
        sqlite_where=sa.text("outcome = 'open'"),
    )
    op.create_index("ix_orders_received", "orders", ["received_at", "id"], unique=False)
    op.create_index(
        "ix_orders_street_received",
        "orders",
        ["street_code", "received_at", "id"],
        unique=False,
        postgresql_include=["unit_code", "level1_code", "item_code", "outcome"],
    )
    op.create_index(
        "ix_orders_unit_open",
        "orders",
        ["unit_code", "state", "due_at"],
        unique=False,
        postgresql_include=["replied_at", "contacted_at", "contact_by", "review"],
        postgresql_where=sa.text("outcome = 'open'"),
        sqlite_where=sa.text("outcome = 'open'"),
    )
    op.create_index(
        "ix_orders_unit_received",
        "orders",
        ["unit_code", "received_at", "id"],
        unique=False,
        postgresql_include=["street_code", "level1_code", "item_code", "outcome"],
    )
    op.create_table(
        "pin_moves",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("appeal_id", BigId, nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("address_key", sa.String(length=200), nullable=True),
        sa.Column("from_lon", sa.Float(precision=53), nullable=True),
        sa.Column("from_lat", sa.Float(precision=53), nullable=True),
        sa.Column("lon", sa.Float(precision=53), nullable=False),
        sa.Column("lat", sa.Float(precision=53), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("made_by", sa.String(length=64), nullable=False),
        sa.Column("made_at", Instant(), nullable=False),
        sa.Column("withdrawn_by", sa.String(length=64), nullable=True),
        sa.Column("withdrawn_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["appeal_id"], ["appeals.id"], name=op.f("fk_pin_moves_appeal_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pin_moves")),
    )
    op.create_index(op.f("ix_pin_moves_address_key"), "pin_moves", ["address_key"], unique=False)
    op.create_index(op.f("ix_pin_moves_appeal_id"), "pin_moves", ["appeal_id"], unique=False)
    op.create_table(
        "plan_tasks",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("plan_id", BigId, nullable=False),
        sa.Column("task_no", sa.String(length=64), nullable=False),
        sa.Column("hotspot_no", sa.String(length=80), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("lead_unit_code", sa.String(length=32), nullable=True),
        sa.Column("helper_unit_codes", Json, nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("progress_share", sa.Float(precision=53), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("updated_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["plan_id"], ["plans.id"], name=op.f("fk_plan_tasks_plan_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_tasks")),
        sa.UniqueConstraint("plan_id", "task_no", name=op.f("uq_plan_tasks_plan_id_task_no")),
    )
    op.create_index(
        op.f("ix_plan_tasks_lead_unit_code"), "plan_tasks", ["lead_unit_code"], unique=False
    )
    op.create_table(
        "saved_views",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("page", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("query", Json, nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_saved_views_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_views")),
        sa.UniqueConstraint(
            "account_id", "page", "name", name=op.f("uq_saved_views_account_id_page_name")
        ),
    )
    op.create_table(
        "callbacks",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("order_id", BigId, nullable=False),
        sa.Column("called_at", Instant(), nullable=False),
        sa.Column("contacted", sa.Boolean(), nullable=True),
        sa.Column("solved", sa.String(length=8), nullable=True),
        sa.Column("satisfied", sa.String(length=16), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("made_by", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_callbacks_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_callbacks")),
    )
    op.create_index(op.f("ix_callbacks_order_id"), "callbacks", ["order_id"], unique=False)
    op.create_table(
        "disputes",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("order_id", BigId, nullable=False),
        sa.Column("unit_code", sa.String(length=32), nullable=False),
        sa.Column("ground", sa.String(length=16), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("evidence", Json, nullable=False),
        sa.Column("ruling", Json, nullable=False),
        sa.Column("opened_at", Instant(), nullable=False),
        sa.Column("opened_by", sa.String(length=64), nullable=False),
        sa.Column("conference_at", Instant(), nullable=True),
        sa.Column("decided_at", Instant(), nullable=True),
        sa.Column("decided_by", sa.String(length=64), nullable=True),
        sa.Column("decision", sa.String(length=16), nullable=True),
        sa.Column("to_unit_code", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_disputes_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disputes")),
    )
    op.create_index(op.f("ix_disputes_order_id"), "disputes", ["order_id"], unique=False)
    op.create_table(
        "exclusions",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("order_id", BigId, nullable=False),
        sa.Column("reason_code", sa.String(length=64), nullable=False),
        sa.Column("proposed_by", sa.String(length=64), nullable=False),
        sa.Column("proposed_at", Instant(), nullable=False),
        sa.Column("approved_by", sa.String(length=64), nullable=True),
        sa.Column("approved_at", Instant(), nullable=True),
        sa.Column("withdrawn_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_exclusions_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exclusions")),
    )
    op.create_index(op.f("ix_exclusions_order_id"), "exclusions", ["order_id"], unique=False)
    op.create_table(
        "order_pauses",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("order_id", BigId, nullable=False),
        sa.Column("paused_at", Instant(), nullable=False),
        sa.Column("resumed_at", Instant(), nullable=True),
        sa.Column("reason_code", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_pauses_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_pauses")),
    )
    op.create_index(op.f("ix_order_pauses_order_id"), "order_pauses", ["order_id"], unique=False)
    op.create_table(
        "transfers",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("order_id", BigId, nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("from_unit_code", sa.String(length=32), nullable=False),
        sa.Column("to_unit_code", sa.String(length=32), nullable=False),
        sa.Column("action", sa.String(length=32), nullable=False),
        sa.Column("reason_code", sa.String(length=64), nullable=False),
        sa.Column("made_by", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_transfers_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transfers")),
    )
    op.create_index(op.f("ix_transfers_at"), "transfers", ["at"], unique=False)
    op.create_index(op.f("ix_transfers_order_id"), "transfers", ["order_id"], unique=False)
    op.create_table(
        "whistle_calls",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("call_no", sa.String(length=80), nullable=False),
        sa.Column("order_id", BigId, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("unit_code", sa.String(length=32), nullable=False),
        sa.Column("street_code", sa.String(length=32), nullable=False),
        sa.Column("item_code", sa.String(length=200), nullable=False),
        sa.Column("cell_code", sa.String(length=40), nullable=False),
        sa.Column("lon", sa.Float(precision=53), nullable=True),
        sa.Column("lat", sa.Float(precision=53), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("blown_at", Instant(), nullable=False),
        sa.Column("blown_by", sa.String(length=64), nullable=False),
        sa.Column("closed_at", Instant(), nullable=True),
        sa.Column("plan", Json, nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_whistle_calls_order_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_whistle_calls")),
        sa.UniqueConstraint("call_no", name=op.f("uq_whistle_calls_call_no")),
    )
    op.create_index("ix_whistle_calls_closed_at", "whistle_calls", ["closed_at"], unique=False)
    op.create_index(op.f("ix_whistle_calls_order_id"), "whistle_calls", ["order_id"], unique=False)
    op.create_index(
        "ix_whistle_calls_street_blown", "whistle_calls", ["street_code", "blown_at"], unique=False
    )
    op.create_table(
        "called_units",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("call_id", BigId, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("unit_code", sa.String(length=32), nullable=False),
        sa.Column("stage", sa.Integer(), nullable=False),
        sa.Column("duties", Json, nullable=False),
        sa.Column("done", Json, nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("report_in_by", Instant(), nullable=False),
        sa.Column("reported_at", Instant(), nullable=True),
        sa.Column("inside", sa.Boolean(), nullable=True),
        sa.Column("raised_at", Instant(), nullable=True),
        sa.Column("released_at", Instant(), nullable=True),
        sa.Column("street_rating", sa.Integer(), nullable=True),
        sa.Column("unit_rating", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["call_id"], ["whistle_calls.id"], name=op.f("fk_called_units_call_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_called_units")),
        sa.UniqueConstraint("call_id", "unit_code", name=op.f("uq_called_units_call_id_unit_code")),
    )
    op.create_index(
        "ix_called_units_unit_state", "called_units", ["unit_code", "state"], unique=False
    )
    op.create_table(
        "check_ins",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("called_unit_id", BigId, nullable=False),
        sa.Column("person_key", sa.String(length=64), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("lon", sa.Float(precision=53), nullable=True),
        sa.Column("lat", sa.Float(precision=53), nullable=True),
        sa.Column("street_code", sa.String(length=32), nullable=False),
        sa.Column("authority", sa.String(length=8), nullable=False),
        sa.ForeignKeyConstraint(
            ["called_unit_id"], ["called_units.id"], name=op.f("fk_check_ins_called_unit_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_check_ins")),
    )
    op.create_index(
        op.f("ix_check_ins_called_unit_id"), "check_ins", ["called_unit_id"], unique=False
    )


def downgrade() -> None:
    """Drop the tables; the extension stays, others may use it."""
    op.drop_index(op.f("ix_check_ins_called_unit_id"), table_name="check_ins")
    op.drop_table("check_ins")
    op.drop_index("ix_called_units_unit_state", table_name="called_units")
    op.drop_table("called_units")
    op.drop_index("ix_whistle_calls_street_blown", table_name="whistle_calls")
    op.drop_index(op.f("ix_whistle_calls_order_id"), table_name="whistle_calls")
    op.drop_index("ix_whistle_calls_closed_at", table_name="whistle_calls")
    op.drop_table("whistle_calls")
    op.drop_index(op.f("ix_transfers_order_id"), table_name="transfers")
    op.drop_index(op.f("ix_transfers_at"), table_name="transfers")
    op.drop_table("transfers")
    op.drop_index(op.f("ix_order_pauses_order_id"), table_name="order_pauses")
    op.drop_table("order_pauses")
    op.drop_index(op.f("ix_exclusions_order_id"), table_name="exclusions")
    op.drop_table("exclusions")
    op.drop_index(op.f("ix_disputes_order_id"), table_name="disputes")
    op.drop_table("disputes")
    op.drop_index(op.f("ix_callbacks_order_id"), table_name="callbacks")
    op.drop_table("callbacks")
    op.drop_table("saved_views")
    op.drop_index(op.f("ix_plan_tasks_lead_unit_code"), table_name="plan_tasks")
    op.drop_table("plan_tasks")
    op.drop_index(op.f("ix_pin_moves_appeal_id"), table_name="pin_moves")
    op.drop_index(op.f("ix_pin_moves_address_key"), table_name="pin_moves")
    op.drop_table("pin_moves")
    op.drop_index(
        "ix_orders_unit_received",
        table_name="orders",
        postgresql_include=["street_code", "level1_code", "item_code", "outcome"],
    )
    op.drop_index(
        "ix_orders_unit_open",
        table_name="orders",
        postgresql_include=["replied_at", "contacted_at", "contact_by", "review"],
        postgresql_where=sa.text("outcome = 'open'"),
        sqlite_where=sa.text("outcome = 'open'"),
    )
    op.drop_index(
        "ix_orders_street_received",
        table_name="orders",
        postgresql_include=["unit_code", "level1_code", "item_code", "outcome"],
    )
    op.drop_index("ix_orders_received", table_name="orders")
    op.drop_index(
        "ix_orders_open_state",
        table_name="orders",
        postgresql_where=sa.text("outcome = 'open'"),
        sqlite_where=sa.text("outcome = 'open'"),
    )
    op.drop_index(
        "ix_orders_open_review",
        table_name="orders",
        postgresql_where=sa.text("outcome = 'open' AND review IS TRUE"),
        sqlite_where=sa.text("outcome = 'open' AND review IS 1"),
    )
    op.drop_index(
        "ix_orders_open_due",
        table_name="orders",
        postgresql_where=sa.text("outcome = 'open' AND replied_at IS NULL"),
        sqlite_where=sa.text("outcome = 'open' AND replied_at IS NULL"),
    )
    op.drop_index(
        "ix_orders_issue",
        table_name="orders",
        postgresql_where=sa.text("issue_id IS NOT NULL"),
        sqlite_where=sa.text("issue_id IS NOT NULL"),
    )
    op.drop_index("ix_orders_cell", table_name="orders")
    op.drop_index("ix_orders_appeal", table_name="orders")
    op.drop_table("orders")
    op.drop_index(
        "ix_messages_waiting",
        table_name="messages",
        postgresql_where=sa.text("delivered_at IS NULL AND dead_at IS NULL"),
        sqlite_where=sa.text("delivered_at IS NULL AND dead_at IS NULL"),
    )
    op.drop_index(op.f("ix_messages_unit_code"), table_name="messages")
    op.drop_index("ix_messages_account_unread", table_name="messages")
    op.drop_table("messages")
    op.drop_table("import_batches")
    if op.get_bind().dialect.name == "postgresql":
        op.drop_index("ix_areas_shape_gist", table_name="areas", postgresql_using="gist")
    op.drop_index("ix_areas_kind_code", table_name="areas")
    op.drop_table("areas")
    op.drop_table("appeal_persons")
    op.drop_index(op.f("ix_account_sessions_account_id"), table_name="account_sessions")
    op.drop_table("account_sessions")
    op.drop_index(op.f("ix_webhooks_unit_code"), table_name="webhooks")
    op.drop_table("webhooks")
    op.drop_index(op.f("ix_units_unit_code"), table_name="units")
    op.drop_index("ix_units_path", table_name="units", postgresql_ops={"path": "text_pattern_ops"})
    op.drop_table("units")
    op.drop_index("ix_unit_counts_level1", table_name="unit_counts")
    op.drop_table("unit_counts")
    op.drop_table("street_classes")
    op.drop_index(op.f("ix_request_counts_until"), table_name="request_counts")
    op.drop_table("request_counts")
    op.drop_table("reports")
    op.drop_index("ix_rate_counts_month_unit", table_name="rate_counts")
    op.drop_table("rate_counts")
    op.drop_index(op.f("ix_plans_street_code"), table_name="plans")
    op.drop_table("plans")
    op.drop_table("log_heads")
    op.drop_index("ix_log_entries_subject", table_name="log_entries")
    op.drop_index("ix_log_entries_at", table_name="log_entries")
    op.drop_table("log_entries")
    op.drop_table("job_states")
    op.drop_table("issues")
    op.drop_index(op.f("ix_issue_steps_other_no"), table_name="issue_steps")
    op.drop_index(op.f("ix_issue_steps_issue_no"), table_name="issue_steps")
    op.drop_table("issue_steps")
    op.drop_table("import_runs")
    op.drop_index(op.f("ix_hotspots_street_code"), table_name="hotspots")
    if op.get_bind().dialect.name == "postgresql":
        op.drop_index("ix_hotspots_shape_gist", table_name="hotspots", postgresql_using="gist")
    op.drop_table("hotspots")
    op.drop_index(op.f("ix_duty_dependencies_before_duty"), table_name="duty_dependencies")
    op.drop_index(op.f("ix_duty_dependencies_after_duty"), table_name="duty_dependencies")
    op.drop_table("duty_dependencies")
    op.drop_index(op.f("ix_duties_scene_code"), table_name="duties")
    op.drop_index(op.f("ix_duties_duty_code"), table_name="duties")
    op.drop_table("duties")
    op.drop_table("count_deltas")
    op.drop_table("city_packs")
    op.drop_index("ix_cells_street_code", table_name="cells")
    if op.get_bind().dialect.name == "postgresql":
        op.drop_index("ix_cells_shape_gist", table_name="cells", postgresql_using="gist")
    op.drop_table("cells")
    op.drop_index("ix_cell_counts_unit_day", table_name="cell_counts")
    op.drop_index(
        "ix_cell_counts_street_day",
        table_name="cell_counts",
        postgresql_include=[
            "cell_code",
            "open",
            "solved",
            "partly",
            "unsolved",
            "excluded",
            "merged",
        ],
    )
    op.drop_index("ix_cell_counts_level1_day", table_name="cell_counts")
    op.drop_index("ix_cell_counts_item_day", table_name="cell_counts")
    op.drop_table("cell_counts")
    op.drop_index(op.f("ix_catalogue_items_item_code"), table_name="catalogue_items")
    op.drop_table("catalogue_items")
    op.drop_table("boundary_versions")
    op.drop_table("area_counts")
    if op.get_bind().dialect.name == "postgresql":
        op.drop_index("ix_appeals_point_gist", table_name="appeals", postgresql_using="gist")
    op.drop_table("appeals")
    op.drop_table("accounts")
