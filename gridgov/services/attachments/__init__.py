"""Files with orders, calls and tasks, and who of a unit has them in hand: in come bytes, out go rows with a log.

What a file is decides ``gridgov.rules.uploads``; the bytes lie in a folder of the service, never below what is served.
"""
