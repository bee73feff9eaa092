"""Which rows an account sees: criteria of its unit and role, put on every query and said to PostgreSQL's policies.

``apply`` binds a session to a scope; ``without_row_scope`` is for the system's own steps inside one.
"""
