"""The command line, one file a command; ``main`` names them and imports a command's file only when it is called.

In come the words of a command; out go files, lines and an exit code (0 done, 1 failed, 2 wrong input).
"""
