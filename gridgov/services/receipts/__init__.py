"""For the caller: in come a number and a secret, out go what became of an appeal and a receipt to check offline.

Once a day the log's new entries and the day's appeals are sealed under a signed root (``gridgov.rules.receipts``).
"""
