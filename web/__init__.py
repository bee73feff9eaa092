"""The service's pages and the command line: what ``planner``, ``gridgov`` and ``geodata`` know, for people.

In come requests and words of a command; out go pages, parts of pages, files and exit codes. ``app`` puts the pages
together from ``features``; ``cli`` holds one file a command; ``kit`` is what every page uses; ``demo`` plays a day.
"""
