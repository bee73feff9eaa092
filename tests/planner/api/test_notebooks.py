"""The notebooks of the documents run from top to bottom, on a small city of the form that they ask for."""

import json
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
NOTEBOOKS = sorted((ROOT / "docs/notebooks").glob("*.ipynb"))


@pytest.fixture(scope="session")
def beside_sample(tmp_path_factory, small_city, small_orders):
    """Return a folder that holds ``sample``: a city pack with its appeals, as the notebooks read them."""
    folder = tmp_path_factory.mktemp("notebooks")
    shutil.copytree(small_city.settings.file.parent, folder / "sample")
    appeals = small_orders.assign(appeal_no=small_orders["order_no"].str.removesuffix("-1"))
    names = ["appeal_no", "received_at", "item_code", "lon", "lat", "solved", "satisfied"]
    appeals[names].to_parquet(folder / "sample/appeals.parquet", index=False)
    return folder


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda file: file.stem)
def test_a_notebook_runs(notebook, beside_sample, monkeypatch):
    monkeypatch.chdir(beside_sample)
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    scope = {"__name__": "__main__"}
    for cell in cells:
        if cell["cell_type"] == "code":
            code = compile("".join(cell["source"]), f"{notebook.name}:{cell['id']}", "exec")
            exec(code, scope)  # noqa: S102 - a notebook of ours, as its kernel would run it
    assert len(scope["orders"]) > 10_000
    assert [one.name for one in beside_sample.iterdir()] == ["sample"], "it leaves nothing behind"


def test_there_are_notebooks_without_kept_answers():
    assert len(NOTEBOOKS) >= 2
    for notebook in NOTEBOOKS:
        for cell in json.loads(notebook.read_text("utf-8"))["cells"]:
            assert not cell.get("outputs"), f"{notebook.name} keeps answers, which grow old"
