"""Files as people have them.

In goes a path: a table (CSV, XLSX, Parquet), a layer of areas or lines, or a table of points; out come a
frame of text or of geometries in EPSG:4326 and the problems of every row that cannot be used. The same frames
are written back, whole or not at all.
"""

from geodata.files.layers import WRITABLE_LAYERS, read_layer, write_layer
from geodata.files.points import read_points
from geodata.files.tables import WRITABLE_TABLES, read_table, write_table

__all__ = [
    "WRITABLE_LAYERS",
    "WRITABLE_TABLES",
    "read_layer",
    "read_points",
    "read_table",
    "write_layer",
    "write_table",
]
