"""How somebody is told: kept choices of kinds and ways, the hour of the digest, an address of their own."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from gridgov.errors import GridgovError
from gridgov.rules.notices import NoticeChoices, NoticeKind, Way, list_modes
from gridgov.services.outbox.channels import DeliveryError, check_own_webhook
from gridgov.services.settings import ServiceSettings
from gridgov.storage.models.journal import NoticeSetting
from gridgov.storage.scope.apply import Scope

HOURS = range(24)
LONGEST_URL = 500


class ChoiceError(GridgovError):
    """A choice that cannot be kept.

    Attributes
    ----------
    field
        Which: ``kind:way``, ``digest_hour`` or ``webhook_url``.
    """

    def __init__(self, field: str, message: str) -> None:
        self.field = field
        super().__init__(f"{field}: {message}")


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What somebody has chosen, or the defaults."""

    notices: NoticeChoices
    digest_hour: int = 8
    webhook_url: str = ""


def get_choices(session: Session, scope: Scope) -> Choices:
    """Return the choices of the account that looks."""
    row = session.get(NoticeSetting, scope.account_id)
    if row is None:
        return Choices(notices=NoticeChoices(chosen={}))
    return Choices(
        notices=NoticeChoices(chosen=row.chosen),
        digest_hour=row.digest_hour,
        webhook_url=row.webhook_url,
    )


def put_choices(
    session: Session,
    scope: Scope,
    chosen: Mapping[str, str],
    *,
    digest_hour: int,
    webhook_url: str,
    settings: ServiceSettings,
) -> None:
    """Keep what somebody chose.

    Parameters
    ----------
    chosen
        ``kind:way`` → mode.

    Raises
    ------
    ChoiceError
        A kind or way that there is not, a mode that is not offered for it, no hour, an address that is not allowed.
    """
    offered = {
        f"{kind}:{way}": {mode.value for mode in list_modes(kind, way)}
        for kind in NoticeKind
        for way in Way
    }
    for name, mode in chosen.items():
        if name not in offered:
            raise ChoiceError(name, f"expected one of {', '.join(offered)}")
        if mode not in offered[name]:
            raise ChoiceError(
                name, f"found {mode!r}, expected {' or '.join(sorted(offered[name]))}"
            )
    if digest_hour not in HOURS:
        raise ChoiceError("digest_hour", f"found {digest_hour}, expected 0 to 23")
    if webhook_url:
        try:
            check_own_webhook(webhook_url[: LONGEST_URL + 1], settings)
        except DeliveryError as error:
            raise ChoiceError("webhook_url", str(error)) from error
        if len(webhook_url) > LONGEST_URL:
            raise ChoiceError("webhook_url", f"longer than {LONGEST_URL} characters")
    row = session.get(NoticeSetting, scope.account_id)
    if row is None:
        row = NoticeSetting(account_id=scope.account_id)
        session.add(row)
    row.chosen = {name: mode for name, mode in chosen.items() if name in offered}
    row.digest_hour, row.webhook_url = digest_hour, webhook_url
    session.flush()
