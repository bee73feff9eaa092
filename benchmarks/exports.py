"""Exports of a million orders: time, size and memory of each form.

``python -m benchmarks.exports [ROWS]``; each form in a process of its own, whose peak memory is what it held in all.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from gridgov.jobs.exchange import COLUMNS, ExportFacts, Form, read_export, write_export
from gridgov.jobs.exchange.fields import Kind

ROWS = 1_000_000
TEXT = "市民反映和平小区3号楼东侧路边长期有人占道经营，夜间噪音很大，多次反映未解决，请有关部门尽快处理。"
START = datetime(2023, 1, 1, tzinfo=UTC)
FIELDS = [one for one in COLUMNS if one.kind not in {Kind.WORD, Kind.CHECK}]
Row = NamedTuple("Row", [(one.name, object) for one in FIELDS])  # type: ignore[misc]  # made from the table of columns


def make_rows(n: int) -> Iterator[Row]:
    """Give rows as the database does, each different."""
    for at in range(n):
        received = START + timedelta(seconds=90 * at)
        known = {
            "order_no": f"A{at:08d}-1",
            "appeal_no": f"A{at:08d}",
            "state": "closed",
            "outcome": "solved",
            "unit_code": f"D{at % 300:03d}",
            "item_code": f"{at % 900:06d}",
            "level1_code": f"{at % 18:02d}",
            "district_code": "110101",
            "street_code": f"110101{at % 343:03d}",
            "community_code": f"110101{at % 343:03d}{at % 20:03d}",
            "cell_code": f"110101{at % 343:03d}{at % 20:03d}{at % 130:03d}",
            "channel": "phone",
            "kind": "complaint",
            "route": "department",
            "grade": "7d",
            "review": False,
            "address": f"和平路{at % 500}号和平小区{at % 30}号楼",
            "text": TEXT,
            "received_at": received,
            "contact_by": received + timedelta(hours=2),
            "contacted_at": received + timedelta(hours=1),
            "due_at": received + timedelta(days=7),
            "replied_at": received + timedelta(days=3),
            "closed_at": received + timedelta(days=4),
            "lon": 116.2 + at % 4001 / 10_000,
            "lat": 39.8 + at % 3001 / 10_000,
            "place_level": "number",
            "uncertainty_m": 25.0,
            "confidence": 0.98,
            "contacted": True,
            "solved": "true",
            "satisfied": "satisfied",
            "boundary_version": "2024",
        }
        yield Row(**known)


def measure(form: str, n: int) -> None:
    """Write one file and print what it took."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    zone = ZoneInfo("Asia/Shanghai")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"orders.{form}"
        start = time.perf_counter()
        write_export(
            make_rows(n),
            path,
            form=Form(form),
            facts=ExportFacts(rows={"window": "all"}),
            words=lambda field, code: f"{field} {code}",
            zone=zone,
        )
        seconds = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        told = {
            "form": form,
            "rows": n,
            "seconds": round(seconds, 1),
            "mb": round(path.stat().st_size / 1e6, 1),
            "memory_mb": round(peak),
            "of_which_program_mb": round(before),
        }
        if n <= 20_000:
            told["back"] = len(read_export(path, zone=zone).orders)
    print(json.dumps(told))


def main() -> None:
    """Measure every form."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    for form in Form:
        subprocess.run([sys.executable, "-m", "benchmarks.exports", str(n), form], check=True)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        measure(sys.argv[2], int(sys.argv[1]))
    else:
        main()
