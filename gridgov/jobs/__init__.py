"""Jobs on files, without a database: run, replay, train, rates, duties; and the places of appeals, which intake
shares.

In come a pack and files; out go frames that the command line writes.
"""
