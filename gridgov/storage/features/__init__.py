"""What of the city is on a map, as features of one form: areas, cells, orders, hotspots, tasks of plans.

In come a session with its scope, the kind of feature and a filter (CQL2 as JSON); out come features in pages, and
vector tiles. Spatial questions stand in ``gridgov/storage/spatial.py``.
"""
