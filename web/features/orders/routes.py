"""The orders room as a whole: importing it puts every route in its place."""

from web.features.orders import acting, calling, excluding, export, listing, live, merging, new, pin
from web.features.orders import code_words as words
from web.features.orders import page as one
from web.features.orders import saved_views as views
from web.features.orders.blueprint import blueprint

__all__ = ["MODULES", "blueprint"]
MODULES = (acting, calling, excluding, export, listing, live, merging, new, one, pin, views, words)
