"""Locations as they were received: shape, shares, raw text, and what they were superseded by"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.add_column("locations", sa.Column("shape", sa.String(length=16), nullable=True))
    op.add_column("locations", sa.Column("kind", sa.String(length=16), nullable=True))
    op.add_column("locations", sa.Column("candidates", sa.JSON(), nullable=True))
    op.add_column("locations", sa.Column("neighbour", sa.String(length=64), nullable=True))
    op.add_column("locations", sa.Column("text", sa.Text(), nullable=True))
    op.add_column("locations", sa.Column("observed_at", sa.Float(), nullable=True))
    op.add_column("locations", sa.Column("raw", sa.Text(), nullable=True))
    op.add_column("locations", sa.Column("superseded_by", sa.BigInteger(), nullable=True))
