"""Unit cells.

In go areas (communities, streets) or the cells that an authority drew; out comes a grid: 15-digit codes that
are never used twice, point → cell, cell → polygon and centroid, and a folder that maps it back into memory.
"""

from geodata.grid.cells import Grid
from geodata.grid.make import CELL_M, make_grid
from geodata.grid.store import GridFolderError, load_grid, save_grid

__all__ = ["CELL_M", "Grid", "GridFolderError", "load_grid", "make_grid", "save_grid"]
