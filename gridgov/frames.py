"""Column contracts of gridgov: appeals, located appeals, orders."""

from geodata.frames import JURISDICTION_COLUMNS, PLACE_COLUMNS

APPEAL_COLUMNS = (
    "appeal_no",
    "received_at",
    "channel",
    "kind",
    "text",
    "address",
    "lon",
    "lat",
    "item_code",
    "person_key",
    "unit_recorded",
    "contacted_at",
    "closed_at",
    "contacted",
    "solved",
    "satisfied",
)
"""Appeals after reading: ``appeal_no`` str unique · ``received_at`` datetime64 in the city's time zone ·
``channel kind text address item_code person_key unit_recorded`` str or missing (``person_key`` is a salted hash;
``unit_recorded`` is the unit that the city's own system named, used to compare, never to decide) ·
``lon lat`` float64 EPSG:4326 or NaN · ``contacted_at closed_at`` aware or missing · ``contacted solved`` nullable
boolean from the callback · ``satisfied`` one of :data:`SATISFIED_VALUES` or missing."""

SATISFIED_VALUES = ("satisfied", "basically", "unsatisfied")

LOCATED_COLUMNS = (
    APPEAL_COLUMNS
    + tuple(c for c in PLACE_COLUMNS if c not in APPEAL_COLUMNS)
    + JURISDICTION_COLUMNS
)
"""Appeals with their place; ``lon lat`` are then those of the place found."""

ORDER_COLUMNS = (
    *LOCATED_COLUMNS,
    "order_no",
    "item_confidence",
    "unit_code",
    "route",
    "grade",
    "contact_by",
    "due_at",
    "review",
    "reasons",
    "boundary_version",
)
"""Orders: ``unit_code`` who answers · ``route`` how it went there · ``grade`` of the item ·
``contact_by due_at`` aware · ``review`` bool, a person must look · ``reasons`` str, sentences joined by "；"."""
