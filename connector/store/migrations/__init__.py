"""Schema migrations (Alembic), carried in the wheel. In: a database URL. Out: the newest schema. Never drops data."""
