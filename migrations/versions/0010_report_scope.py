"""Reports of an area are for its unit and those above it; those of the city for everybody who may read plans.

Revision ID: 0010
Revises: 0009
"""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

UNITS = "(SELECT gridgov_units())::text[]"
POLICIES = {
    "gridgov_app": f"unit_code = '' OR unit_code = ANY ({UNITS})",
    "gridgov_city": "true",
}
"""Role → which reports it sees."""


def upgrade() -> None:
    """Set the policies; SQLite has none, there the query layer alone tells."""
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute("ALTER TABLE reports ENABLE ROW LEVEL SECURITY")
    for role, rule in POLICIES.items():
        op.execute(f"CREATE POLICY {role}_reads ON reports FOR SELECT TO {role} USING ({rule})")
        op.execute(f"CREATE POLICY {role}_adds ON reports FOR INSERT TO {role} WITH CHECK (true)")
        op.execute(f"CREATE POLICY {role}_changes ON reports FOR UPDATE TO {role} USING ({rule})")
        op.execute(f"CREATE POLICY {role}_removes ON reports FOR DELETE TO {role} USING ({rule})")


def downgrade() -> None:
    """Take them away: every report is then for all who may read plans."""
    if op.get_bind().dialect.name != "postgresql":
        return
    for role in POLICIES:
        for what in ("reads", "adds", "changes", "removes"):
            op.execute(f"DROP POLICY {role}_{what} ON reports")
    op.execute("ALTER TABLE reports DISABLE ROW LEVEL SECURITY")
