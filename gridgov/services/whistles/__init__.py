"""Whistle calls in the database: planned, blown, answered, finished and rated, with their messages."""
