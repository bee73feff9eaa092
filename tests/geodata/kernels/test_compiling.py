"""Kernels compile in few versions and give what plain Python gives; inner ones are refused to Python."""

import numpy as np
import pytest

from geodata.kernels import inner_kernel, kernel


@inner_kernel
def add_at(values, at, amount):
    values[at] += amount
    return len(values)


@inner_kernel
def add_two(values, places):
    return add_at(values, places[0], 1) + add_at(values, places[1], 7)


@kernel
def fill(values):
    add_at(values, 0, 2)
    add_at(values, 1, -3)
    for k in range(len(values)):
        add_at(values, k, k)
    return add_two(values, (0, len(values) - 1)) + add_two(values, (2, 0))


def test_numbers_that_are_written_out_make_no_version_of_their_own():
    compiled, plain = np.zeros(5, np.int64), np.array([0, 1, 2, 3, 4])
    plain += [2 + 1 + 7, -3, 1, 0, 7]
    assert fill(compiled) == 20
    np.testing.assert_array_equal(compiled, plain)
    assert len(add_at.signatures) == len(add_two.signatures) == 1


def test_an_inner_kernel_tells_python_that_it_has_no_entry():
    with pytest.raises(TypeError, match=r"add_at has no entry for Python; call add_at\.py_func"):
        add_at(np.zeros(3, np.int64), 0, 1)
    assert add_at.py_func(np.zeros(3), 0, 1) == 3
