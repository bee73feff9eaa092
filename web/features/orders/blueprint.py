"""The orders room's blueprint; the modules beside it add their routes to it."""

from flask import Blueprint

blueprint = Blueprint("orders", __name__, url_prefix="/orders")
