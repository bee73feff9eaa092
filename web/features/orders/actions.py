"""Which actions have a form or a page of their own or take several orders at once, and why one was refused."""

from flask_babel import gettext

from gridgov.errors import ConflictError, GridgovError
from gridgov.rules.orders.states import OrderActionError
from gridgov.rules.orders.transitions import OrderAction, Role

ELSEWHERE = {
    OrderAction.BLOW_WHISTLE: "whistles.new",
    OrderAction.MERGE: "orders.merge",
}
"""Actions with a page of their own; their button leads there."""
ANSWERS = frozenset(
    {
        OrderAction.CALL_BACK,
        OrderAction.CLOSE_SOLVED,
        OrderAction.CLOSE_PARTLY,
        OrderAction.CLOSE_UNSOLVED,
        OrderAction.NOT_REACHED,
    }
)
"""Actions that the callback form takes together."""

BULK_ACTIONS: dict[Role, tuple[OrderAction, ...]] = {
    Role.DISPATCHER: (OrderAction.DISPATCH,),
    Role.STREET_CENTRE: (OrderAction.ACCEPT, OrderAction.CONTACT, OrderAction.HANDLE),
    Role.HANDLER: (OrderAction.ACCEPT, OrderAction.CONTACT, OrderAction.HANDLE),
    Role.FIELD_STAFF: (OrderAction.CONTACT, OrderAction.HANDLE),
    Role.CALLBACK_CLERK: (OrderAction.CALL_BACK,),
}
"""What may be done to several orders at once: only steps that need no words of their own for each."""
BULK_MAX = 100


def say_problem(error: GridgovError) -> str:
    """Return why an action was refused, in the language of the page."""
    if isinstance(error, OrderActionError):
        return str(gettext(f"orders.refused.{error.refusal}"))
    if isinstance(error, ConflictError):
        return str(gettext("orders.refused.conflict"))
    return str(gettext("orders.refused.other"))
