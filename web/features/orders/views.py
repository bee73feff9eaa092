"""The orders pages as a whole: importing it puts every route in its place."""

from web.features.orders import (
    acting,
    correcting,
    excluding,
    export,
    listing,
    live,
    merging,
    new,
    page,
    pin,
)
from web.features.orders.blueprint import blueprint

__all__ = ["MODULES", "blueprint"]
MODULES = (acting, correcting, excluding, export, listing, live, merging, new, page, pin)
