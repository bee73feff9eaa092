"""Files in SaTScan's formats: what they mean, and what cannot be meant."""

from datetime import date

import numpy as np
import pytest

from planner.scan import ScanError, ScanModel, TimeUnit, read_scan_input
from planner.scan.input import _integrate_line


def write(folder, **files):
    paths = {}
    for name, text in files.items():
        paths[name] = folder / f"x.{name}"
        paths[name].write_text(text, "utf-8")
    return paths


def read(folder, *, model=ScanModel.POISSON, unit=TimeUnit.YEAR, last=2002, **files):
    paths = write(folder, **files)
    return read_scan_input(
        cases=paths["cas"],
        places=paths["geo"],
        population=paths.get("pop"),
        controls=paths.get("ctl"),
        model=model,
        start=date(2000, 1, 1),
        end=date(last, 12, 31),
        unit=unit,
    )


GEO = "a 10 10\nb 10 11\n\nc 11 10\n"


def test_people_between_two_counts_change_linearly(tmp_path):
    data = read(
        tmp_path,
        cas="a 3 2000/5/1\nb 3 2001\n",
        geo=GEO,
        pop="a 2000/1/1 0\na 2001/1/1 366\nb 2000 183\n",
    )
    # a: 366 · 366/2 in the leap year 2000, then 366 people a day; b: 183 a day.
    a = np.array([366 * 183, 366 * 365, 366 * 365])
    b = np.array([183 * 366, 183 * 365, 183 * 365])
    wanted = np.vstack([a, b, np.zeros(3)])
    assert data.expected == pytest.approx(wanted / wanted.sum() * 6)
    assert data.counts.tolist() == [[3, 0, 0], [0, 3, 0], [0, 0, 0]]


def test_an_integral_is_exact_at_every_border():
    known, values = np.array([10.0, 20.0]), np.array([0.0, 10.0])
    borders = np.array([0, 10, 15, 20, 30])
    assert _integrate_line(known, values, borders) == pytest.approx([0, 12.5, 37.5, 100])


def test_groups_are_standardised_indirectly(tmp_path):
    data = read(
        tmp_path,
        cas="a 4 2001 old\nb 2 2001 young\n",
        geo=GEO,
        pop="a 2001 100 old\nb 2001 300 old\na 2001 50 young\nb 2001 50 young\n",
    )
    assert data.expected.sum(axis=1) == pytest.approx([1 + 1, 3 + 1, 0])


def test_controls_and_cases_are_the_people_of_the_bernoulli_model(tmp_path):
    data = read(
        tmp_path,
        model=ScanModel.BERNOULLI,
        cas="a 2 2001\n",
        ctl="a 2 2001\nb 4 2002\n",
        geo=GEO,
    )
    assert data.population.sum() == 8
    assert data.expected.sum(axis=1) == pytest.approx([1, 1, 0])


def test_years_of_two_digits_are_of_the_last_century(tmp_path):
    two = read(tmp_path, cas="a 2 2000\n", geo=GEO, pop="a 98 5\nb 99 7\n")
    four = read(tmp_path, cas="a 2 2000\n", geo=GEO, pop="a 1998 5\nb 1999 7\n")
    assert (two.expected == four.expected).all()


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"cas": "z 1 2000\n"}, "no coordinates: z"),
        ({"cas": "a 1 1999/12/31\n"}, "outside 2000-01-01"),
        ({"cas": "a -1 2000\n"}, "x.cas, line 1: -1 cases"),
        ({"cas": "a 1.5 2000\n"}, "whole number"),
        ({"cas": "a 1 2000/13/1\n"}, "is no day"),
        ({"cas": "a\n"}, "expected location, count, date"),
        ({"geo": "a 10\n"}, "expected location and two coordinates"),
        ({"geo": "a 10 north\n"}, "'north' is no number"),
        ({"geo": "a 39000 400000\n"}, "--coordinates cartesian"),
        ({"geo": "a 10 10\na 10 11\n"}, "stands twice"),
        ({"geo": "\n"}, "names no place"),
        ({"pop": "a 2000 -5\n"}, "expected a number ≥ 0"),
        ({"pop": "a 2000 0\n"}, "no people"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(tmp_path, files, said):
    sound = {"cas": "a 2 2000\n", "geo": GEO, "pop": "a 2000 5\nb 2000 5\nc 2000 5\n"}
    with pytest.raises(ScanError, match=said):
        read(tmp_path, **(sound | files))


@pytest.mark.parametrize("model", [ScanModel.POISSON, ScanModel.BERNOULLI])
def test_a_model_says_which_file_it_lacks(tmp_path, model):
    with pytest.raises(ScanError, match=r"--pop|--ctl"):
        read(tmp_path, model=model, cas="a 2 2000\n", geo=GEO)
