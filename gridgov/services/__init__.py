"""What people and jobs do with orders, in a transaction that the caller owns.

In come a session, the running city (``city_runtime``) and who acts; out go changed rows, log entries and messages.
"""
