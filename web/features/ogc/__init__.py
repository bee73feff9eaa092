"""OGC APIs: in come addresses of the Features and Tiles standards; out go areas, cells, orders, hotspots and tasks.

Each collection has routes of its own, so that each states its permission and the scope of a token. What a session sees
is limited as everywhere; boundaries are no secret.
"""
