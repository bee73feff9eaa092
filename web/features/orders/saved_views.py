"""Saved views of the list: a filter under a name, for the account alone."""

import sqlalchemy as sa
from flask import g, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from gridgov.storage.models.accounts import SavedView
from web.features.orders.blueprint import blueprint
from web.features.orders.filters import NAMES
from web.kit.page_helpers import to
from web.kit.permissions import Permission, permission
from web.kit.service import get_service, writing

VIEWS_MAX = 30
KEPT = (*NAMES, "window", "unit", "sort")


@blueprint.post("/views")
@permission(Permission.ORDERS_READ)
def save_view() -> BaseResponse:
    """Keep the filter of the list under a name; the same name again replaces it."""
    name = request.form.get("name", "").strip()[:80]
    query = {key: request.form[key][:200] for key in KEPT if request.form.get(key)}
    if name:
        with writing() as session:
            mine = sa.select(SavedView).where(
                SavedView.account_id == g.visitor.account_id, SavedView.page == "orders"
            )
            known = {view.name: view for view in session.scalars(mine)}
            if name in known:
                known[name].query = query
            elif len(known) < VIEWS_MAX:
                session.add(
                    SavedView(
                        account_id=g.visitor.account_id,
                        page="orders",
                        name=name,
                        query=query,
                        created_at=get_service().get_now(),
                    )
                )
    return redirect(to("orders.index", **query))


@blueprint.post("/views/<int:view_id>/delete")
@permission(Permission.ORDERS_READ)
def delete_view(view_id: int) -> BaseResponse:
    """Forget a saved view of one's own."""
    with writing() as session:
        session.execute(
            sa.delete(SavedView).where(
                SavedView.id == view_id, SavedView.account_id == g.visitor.account_id
            )
        )
    return redirect(to("orders.index"))
