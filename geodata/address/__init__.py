"""Text → parts.

In goes an address as a person wrote it; out come its folded form, and its parts: areas, road, number,
building, place, direction. Names of a city are known from the lexicon that the gazetteer gives, else by form
alone. The compiled parts are shared with the gazetteer and the geocoder, which are one machine with this
room.
"""

from geodata.address.folding import encode_text, encode_texts, fold_text
from geodata.address.parts import parse_address

__all__ = ["encode_text", "encode_texts", "fold_text", "parse_address"]
