"""The blueprint of the planning pages; the modules beside it add their routes to it."""

from flask import Blueprint, g

from gridgov.services.plans.records import Person
from web.kit.service import get_scope

blueprint = Blueprint("planning", __name__, url_prefix="/planning")


def get_person() -> Person:
    """Return who acts in this request, with the name that others read."""
    return Person(actor=get_scope().actor, name=g.visitor.name)
