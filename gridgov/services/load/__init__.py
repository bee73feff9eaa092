"""A city and its history into the database.

In come a pack and appeals; out go its tables and boundaries, and orders in batches that can be cut off anywhere.
"""
