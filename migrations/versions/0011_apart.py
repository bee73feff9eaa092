"""What no account may do to the database: give roles, redirect webhooks, move the head of a chain past its entries.

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

ROLES = ("gridgov_app", "gridgov_city")
FIXED = ("id", "login", "role", "unit_code", "person_key")
KEEPS = "((SELECT gridgov_is_on('keeps')))"

# An entry at the new head with its hash, and one for each position on the way.
LED_TO = (
    "EXISTS (SELECT 1 FROM log_entries WHERE chain = NEW.chain AND position = NEW.position AND hash = NEW.hash) "
    "AND NEW.position - OLD.position = (SELECT count(*) FROM log_entries WHERE chain = NEW.chain "
    "AND position > OLD.position AND position <= NEW.position)"
)
POSTGRES = f"""
CREATE FUNCTION gridgov_led_to() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT ({LED_TO}) THEN
        RAISE EXCEPTION 'chain %: its head may not go to % without the entries that lead there', OLD.chain, NEW.position
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$
"""


def upgrade() -> None:
    """Guard the heads on both databases; take rights on PostgreSQL, where there are any to take."""
    if op.get_bind().dialect.name != "postgresql":
        op.execute(
            f"CREATE TRIGGER log_heads_led_to BEFORE UPDATE ON log_heads "
            f"WHEN NEW.position > OLD.position AND NOT ({LED_TO}) BEGIN "
            "SELECT RAISE(ABORT, 'the head of a chain of the log may only go where entries lead'); END"
        )
        return
    op.execute(POSTGRES)
    op.execute(
        "CREATE TRIGGER log_heads_led_to BEFORE UPDATE ON log_heads "
        "FOR EACH ROW EXECUTE FUNCTION gridgov_led_to()"
    )
    roles = ", ".join(ROLES)
    columns = sa.inspect(op.get_bind()).get_columns("accounts", schema="public")
    free = ", ".join(one["name"] for one in columns if one["name"] not in FIXED)
    op.execute(f"REVOKE INSERT, UPDATE, DELETE ON accounts FROM {roles}")
    op.execute(f"GRANT UPDATE ({free}) ON accounts TO {roles}")
    op.execute("ALTER TABLE webhooks ENABLE ROW LEVEL SECURITY")
    for role in ROLES:
        op.execute(f"CREATE POLICY {role}_reads ON webhooks FOR SELECT TO {role} USING (true)")
        for what, rule in (
            ("INSERT", f"WITH CHECK {KEEPS}"),
            ("UPDATE", f"USING {KEEPS} WITH CHECK {KEEPS}"),
            ("DELETE", f"USING {KEEPS}"),
        ):
            op.execute(
                f"CREATE POLICY {role}_{what.lower()}s ON webhooks FOR {what} TO {role} {rule}"
            )


def downgrade() -> None:
    """Give back what was taken."""
    if op.get_bind().dialect.name != "postgresql":
        op.execute("DROP TRIGGER log_heads_led_to")
        return
    op.execute("DROP TRIGGER log_heads_led_to ON log_heads")
    op.execute("DROP FUNCTION gridgov_led_to()")
    roles = ", ".join(ROLES)
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON accounts TO {roles}")
    for role in ROLES:
        for what in ("reads", "inserts", "updates", "deletes"):
            op.execute(f"DROP POLICY {role}_{what} ON webhooks")
    op.execute("ALTER TABLE webhooks DISABLE ROW LEVEL SECURITY")
