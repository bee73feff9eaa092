"""Jobs on files, without a database: run, replay, train, rates, duties.

In come a pack and files; out go frames that the command line writes. The places of appeals (``placing``) are found here
for the intake too.
"""
