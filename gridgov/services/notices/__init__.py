"""The inbox over the outbox: in come messages in the app, out go what waits for whom, and what reached whom.

Choices of ways and digests stand here too, and the escalation of a whistle call that nobody opens.
"""
