"""Whether planted topics stand among the first fifteen.

    .venv/bin/python -m benchmarks.statistics topics --seeds 1 2 3 4 5 6 7 8 9 10 --appeals 200000

A sample city of each seed with true items and streets, its answers and its duties; the candidates of the city as the
product scores them. A seed counts where all planted topics are among the first fifteen.
"""

import argparse
import json
import tempfile
from pathlib import Path

from benchmarks.hotspots import make_orders
from gridgov.pack.city import load_city
from gridgov.sample.writer import write_sample
from planner.jobs.topics import make_city_topics
from planner.topics.candidates import TOP


def main(arguments: list[str]) -> None:
    """Print the ranks of planted topics and in how many seeds all are on the list."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(1, 11)))
    parser.add_argument("--appeals", type=int, default=200_000)
    options = parser.parse_args(arguments)
    whole = 0
    for seed in options.seeds:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name) / "city"
            write_sample(folder, appeals=options.appeals, seed=seed)
            city = load_city(folder)
            orders, as_of = make_orders(city, folder, is_truth=True)
            planted = json.loads((folder / "planted.json").read_text("utf-8"))["planted"]
            orders = orders.assign(order_no=orders["appeal_no"])
            found = make_city_topics(city, orders, as_of=as_of, districts=[])[0].topics
        rank = found.set_index("topic_code")["rank"]
        wanted = [one["level2_code"] for one in planted if one["what"] == "topic"]
        ranks = [int(rank.get(code, len(rank) + 1)) for code in wanted]
        whole += all(one <= TOP for one in ranks)
        print(f"seed {seed}: ranks {ranks} of {len(rank)}", flush=True)
    print(f"all planted topics among the first {TOP} in {whole} of {len(options.seeds)} seeds")
