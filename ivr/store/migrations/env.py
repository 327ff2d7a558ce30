"""Alembic's entrance: one connection, no ini file."""

from alembic import context

from ivr.store.tables import Base, connect

engine = connect(context.config.attributes["url"])
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()
