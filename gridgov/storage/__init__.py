"""The database, PostGIS or SQLite: models, sessions, row scope, log, counts, queries.

In and out go rows and frames; nothing here decides. Sessions are given, never committed.
"""
