"""Orders handed to other programs and taken back: CSV, XLSX, GeoPackage and GeoParquet, one writing for all.

In come rows, one at a time, and what is said of them (filter, window, version); out comes a file, written as a stream.
Beside each code stands its word. What was written comes back whole (:func:`read_export`), also after a spreadsheet has
saved it, or is refused with the reason: each row carries a check over its codes, times and numbers.
"""

from gridgov.jobs.exchange.fields import COLUMNS, Form
from gridgov.jobs.exchange.reading import ExportRead, read_export
from gridgov.jobs.exchange.writing import ExportFacts, Words, stream_csv, write_export

__all__ = [
    "COLUMNS",
    "ExportFacts",
    "ExportRead",
    "Form",
    "Words",
    "read_export",
    "stream_csv",
    "write_export",
]
