"""The pages, one folder each: ``views`` (routes), ``page`` (what it shows), ``templates``, style, scripts.

A feature imports another's face alone (its folder), never a module inside; ``today`` may use all, ``map`` the rows of
planning and whistles, the others none. ``web/blueprints.py`` lists them.
"""
