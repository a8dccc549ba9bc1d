"""Alembic's entry: runs on the connection handed over in the configuration's attributes, never on one of its own."""

from alembic import context

from connector.store.schema import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    include_schemas=False,
    version_table="connector_schema",
)
with context.begin_transaction():
    context.run_migrations()
