"""Appeals as cities export them → one frame, every row accounted for.

In comes a file with the mapping of the pack's section ``appeals``; out go appeals in the columns of
``gridgov.frames`` and the
problems of rows that cannot be used.
"""
