"""Words of an export → words of the contract: callbacks, kinds, units, items, persons."""

from collections.abc import Callable, Mapping
from hashlib import blake2b
from types import MappingProxyType

import numpy as np
import pandas as pd

from geodata.spreadsheets import to_text
from gridgov.frames import SATISFIED_VALUES
from gridgov.pack.settings import AppealsSettings
from gridgov.reading.code_columns import restore_zeros
from gridgov.reading.faults import RowFaults
from gridgov.rules.catalogue import PATH_SEPARATOR, Catalogue

TRUE_FALSE: Mapping[str, bool] = MappingProxyType(
    {
        **dict.fromkeys(("true", "True", "TRUE", "1", "1.0", "yes", "Yes", "Y", "是", "已"), True),
        **dict.fromkeys(
            ("false", "False", "FALSE", "0", "0.0", "no", "No", "N", "否", "未"), False
        ),
    }
)
SATISFIED_WORDS: Mapping[str, str] = MappingProxyType(
    {
        **{value: value for value in SATISFIED_VALUES},
        "满意": "satisfied",
        "非常满意": "satisfied",
        "基本满意": "basically",
        "不满意": "unsatisfied",
    }
)
"""Words understood without the pack saying so; it may add others under [appeals.values]."""

LONGEST_TEXT = 10_000
"""Characters of one cell that are kept: nobody speaks longer, and a damaged export must not fill the memory."""
LONGEST_NUMBER = 70
"""Characters of an appeal's number; its order's has two more. Real ones have ten to twenty."""
LONGEST_ITEM = 200
"""Characters of an item's code; where a city has no catalogue, its own categories are the codes."""


def map_words(values: pd.Series, find: Callable[[str], object], *, dtype: str = "str") -> pd.Series:
    """Return what `find` says of each value, missing where that is None; each distinct one is asked once."""
    groups, distinct = pd.factorize(values)
    table = np.array([*(find(word) for word in distinct), None], dtype=object)
    return pd.Series(table[groups], index=values.index, dtype=dtype, name=values.name)


def read_text(values: pd.Series, settings: AppealsSettings, faults: RowFaults) -> pd.Series:
    """Return a column of texts, trimmed, mapped by the pack's patterns and values, missing where empty."""
    name = str(values.name)
    texts = to_text(values)
    long = (texts.str.len() > LONGEST_TEXT).fillna(value=False).to_numpy(dtype=bool)
    if long.any():
        faults.rows(texts, long, f"is longer than {LONGEST_TEXT} characters; the rest is cut off")
        texts = texts.str.slice(0, LONGEST_TEXT)
    if pattern := settings.patterns.get(name):
        texts = texts.str.extract(pattern, expand=True)[0].astype("str")
    if changes := settings.values.get(name):
        texts = map_words(texts, lambda word: changes.get(word, word))
    return texts.where(texts != "").rename(name)


def read_flags(values: pd.Series, faults: RowFaults) -> pd.Series:
    """Return nullable booleans; a word that is neither yes nor no is noted and missing."""
    if pd.api.types.is_bool_dtype(values):
        return values.astype("boolean")
    texts = values.astype("str")
    flags = map_words(texts, TRUE_FALSE.get, dtype="boolean")
    wrong = texts.notna() & flags.isna()
    faults.rows(
        values, wrong, "is neither yes nor no; left open", expected="map it in [appeals.values]"
    )
    return flags


def read_satisfied(values: pd.Series, faults: RowFaults) -> pd.Series:
    """Return the person's judgement as one of the contract's words."""
    words = map_words(values, SATISFIED_WORDS.get)
    wrong = values.notna() & words.isna()
    hint = f"map it in [appeals.values.satisfied] to one of {', '.join(SATISFIED_VALUES)}"
    faults.rows(values, wrong, "is no known judgement; left open", expected=hint)
    return words


def read_items(
    values: pd.Series,
    groups: pd.Series | None,
    *,
    catalogue: Catalogue | None,
    categories: Mapping[str, str],
    faults: RowFaults,
) -> pd.Series:
    """Return item codes, missing where the export's category is unknown to the city.

    Without a catalogue the export's own categories are the items, below their group if it has one.
    """
    if catalogue is None:
        own = values if groups is None else (groups + PATH_SEPARATOR + values).fillna(values)
        long = (own.str.len() > LONGEST_ITEM).fillna(value=False).to_numpy(dtype=bool)
        problem = f"is longer than {LONGEST_ITEM} characters; a person must choose an item"
        faults.rows(values, long, problem, expected="the name of a category")
        return own.mask(long)
    known = set(catalogue.items["item_code"])
    names = catalogue.items.drop_duplicates("item_code")
    names = names[~names["name"].duplicated(keep=False)]
    table = {
        **dict(zip(names["name"], names["item_code"], strict=True)),
        **{code: code for code in known},
        **categories,
    }
    values = restore_zeros(values, table, faults)
    codes = map_words(values, table.get)
    codes = codes.where(codes != "")
    faults.rows(
        values,
        values.notna() & codes.isna() & ~values.isin(list(categories)),
        "is no item of the catalogue; a person must choose one",
        expected="an item_code, its name, or a row in the categories table",
    )
    return codes


def hash_persons(persons: pd.Series, salt: bytes) -> pd.Series:
    """Return a keyed hash of each person (BLAKE2b, 128 bits), missing where there is none.

    The same person has the same key under the same salt; without the salt a phone number cannot be found
    by trying all of them.
    """
    groups, distinct = pd.factorize(persons.astype("str"))
    keys = [hash_person(who, salt) for who in distinct]
    table = np.array([*keys, None], dtype=object)
    return pd.Series(table[groups], index=persons.index, dtype="str")


def hash_person(person: str, salt: bytes) -> str:
    """Return the keyed hash of one person; see :func:`hash_persons`."""
    return blake2b(person.encode(), key=salt[:64], digest_size=16).hexdigest()
