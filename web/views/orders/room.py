"""The orders room as a whole: importing it puts every route in its place."""

from web.views.orders import (
    acting,
    calling,
    excluding,
    export,
    listing,
    live,
    merging,
    new,
    one,
    pin,
    views,
    words,
)
from web.views.orders.blueprint import blueprint

__all__ = ["MODULES", "blueprint"]
MODULES = (acting, calling, excluding, export, listing, live, merging, new, one, pin, views, words)
