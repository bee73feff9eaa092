"""Whistle calls (吹哨报到): who must come, in which order, until when, and how a call goes on.

In come the duty graph of a day and an order; out go the plan of a call (``convene``), its steps as a table of
transitions (``call``) and the sentences that people read (``sentences``).
"""
