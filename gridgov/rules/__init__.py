"""Rules of the work, pure: frames, arrays and frozen values in, the same out; no database, files or clock.

Each room is a subject of DOMAIN.md. Beside them stand what several share: constants, calendar, zone, catalogue,
rows in force.
"""
