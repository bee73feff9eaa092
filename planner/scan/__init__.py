"""Where and when cases gather: Kulldorff's scan statistics over circles of places and windows of time.

In come counts by place and day (:class:`ScanInput`, or files in SaTScan's own formats through
:func:`read_scan_input`); out comes a frame of clusters with likelihood ratio and p (:func:`scan`). A surge of one
item is placed by :func:`locate_surge`.
"""

from planner.scan.input import ScanError, ScanInput, ScanModel, TimeUnit
from planner.scan.satscan_files import read_scan_input
from planner.scan.search import ScanOptions, scan
from planner.scan.surge import locate_surge

__all__ = [
    "ScanError",
    "ScanInput",
    "ScanModel",
    "ScanOptions",
    "TimeUnit",
    "locate_surge",
    "read_scan_input",
    "scan",
]
