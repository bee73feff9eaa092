"""Many rows at once: COPY on PostgreSQL, executemany on SQLite, from frames."""
