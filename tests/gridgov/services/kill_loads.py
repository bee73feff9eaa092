"""Starts bulk intake in processes of its own again and again and kills each at a random moment.

Run as a program of its own, so that it forks without the threads of the test run:
``python -m tests.gridgov.services.kill_loads URL PACK FILE KILLS SEED`` prints how many were killed at work.
"""

import os
import signal
import sys
import time
from pathlib import Path

import numpy as np

from gridgov.pack.city import City, load_city
from gridgov.services.load.batches import LoadOptions, load_appeals
from gridgov.storage.db import make_engine, make_sessions
from tests.gridgov.services.load_city import AS_OF

BATCH_ROWS = 10
MOST_S = 0.5


def load_in_child(url: str, city: City, file: Path) -> int:
    """Fork a process that loads the file and return its id."""
    child = os.fork()
    if child:
        return child
    try:
        sessions = make_sessions(make_engine(url))
        options = LoadOptions(source="test", as_of=AS_OF, batch_rows=BATCH_ROWS, salt="salt")
        load_appeals(sessions, city, file, options=options)
    finally:
        os._exit(0)


def kill_at_random(child: int, rng: np.random.Generator) -> bool:
    """Kill a process after some time and tell whether it was still at work."""
    time.sleep(rng.uniform(0.0, MOST_S))
    done, _status = os.waitpid(child, os.WNOHANG)
    if done:
        return False
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return True


def main() -> None:
    url, pack, file, kills, seed = sys.argv[1:]
    city = load_city(pack)
    _ = city.territory, city.geocoder
    rng = np.random.default_rng(int(seed))
    killed = [kill_at_random(load_in_child(url, city, Path(file)), rng) for _ in range(int(kills))]
    print(sum(killed))  # noqa: T201 - what the test reads


if __name__ == "__main__":
    main()
