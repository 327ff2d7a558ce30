"""Tickets, and the outcome of a call"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.add_column("calls", sa.Column("outcome", sa.String(length=16), nullable=True))
    op.create_table(
        "tickets",
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("call_id", "seq"),
    )
    op.create_index("tickets_by_state", "tickets", ["state", "at"], unique=False)
