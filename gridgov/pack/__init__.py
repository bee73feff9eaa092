"""The city's folder: ``city.toml`` with its layers and tables, checked as a whole and made into one value.

In comes a path; out goes a :class:`~gridgov.pack.city.City`, or every fault of the folder at once with file, row,
value and
what was expected. ``duties`` reads the tables alone, without layers.
"""
