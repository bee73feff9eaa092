"""Settings of the service: the environment read once, typed and frozen. Each is described in ``docs/settings.md``."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from gridgov.errors import GridgovError

PREFIX = "GRIDGOV_"


class SettingError(GridgovError):
    """A setting has a value that cannot be used."""

    def __init__(self, name: str, found: str, expected: str) -> None:
        self.name = name
        super().__init__(f"{name}: found {found!r}, expected {expected}")


def _setting(default: Any, text: str) -> Any:
    return field(default=default, metadata={"text": text})


@dataclass(frozen=True, kw_only=True)
class ServiceSettings:
    """Everything the service takes from its surroundings; a field ``a_b`` is the variable ``GRIDGOV_A_B``."""

    database_url: str = _setting(
        "sqlite:///var/gridgov.db", "database: sqlite:///FILE or postgresql://USER@HOST/NAME"
    )
    owner_url: str = _setting(
        "",
        "the same database as the owner of its tables, for gridgov db and gridgov user; "
        "where it is set, the service itself connects as a login that owns nothing",
    )
    secret_key: str = _setting(
        "", "signs cookies; at least 32 characters; made anew at each start if empty"
    )
    city: str = _setting("", "folder of the city pack; by default the one that was loaded")
    model: str = _setting("", "file of gridgov train that gives items to appeals without one")
    salt: str = _setting(
        "", "salt of person keys; made at the first start and kept beside the database if empty"
    )
    session_idle_min: int = _setting(60, "minutes after which an unused session ends")
    session_hours: int = _setting(12, "hours after which a session ends in any case")
    login_tries: int = _setting(5, "wrong passwords in a row that lock an account")
    login_lock_min: int = _setting(15, "minutes for which it is locked")
    smtp_host: str = _setting("", "mail server; no e-mail is sent if empty")
    smtp_port: int = _setting(25, "its port")
    smtp_user: str = _setting("", "its account")
    smtp_password: str = _setting("", "its password")
    smtp_tls: bool = _setting(False, "whether STARTTLS is demanded")  # noqa: FBT003 - a default, not a call
    mail_from: str = _setting("gridgov@localhost", "sender of e-mails")
    webhook_secret: str = _setting("", "signs webhooks (HMAC-SHA256); none is sent if empty")
    webhook_hosts: str = _setting(
        "",
        "hosts to which accounts may have their own messages posted, with commas between them; none if empty",
    )
    outbox_tries: int = _setting(8, "tries after which a message is a dead letter")
    receipt_key: str = _setting(
        "",
        "signs receipts (Ed25519 seed, 64 hexadecimal digits); made and kept in the database if empty",
    )
    files: str = _setting("var/files", "folder of attachments; back it up with the database")
    file_check: str = _setting(
        "",
        "command that is asked about each new file, its path as last word: 0 good, 1 dangerous; not asked if empty",
    )
    base_map_url: str = _setting(
        "", "tile address of a base map, {z}/{x}/{y}; no base map if empty"
    )
    base_map_datum: str = _setting("WGS84", "datum of the base map")
    base_map_credit: str = _setting("", "credit line of the base map")
    oidc_issuer: str = _setting("", "address of an OpenID provider; only passwords if empty")
    oidc_client_id: str = _setting("", "client id there")
    oidc_client_secret: str = _setting("", "client secret there")
    behind_https: bool = _setting(
        False,  # noqa: FBT003
        "whether a proxy in front serves HTTPS: cookies are then sent over HTTPS only, "
        "and the proxy's word on the caller is taken",
    )
    hosts: str = _setting(
        "",
        "names under which the service is asked for, with commas between them; "
        "without it only localhost, this machine's own name and IP addresses",
    )
    clock_behind_min: int = _setting(
        0, "minutes by which the service's clock is behind the machine's; for demos with old data"
    )
    demo: bool = _setting(False, "whether the sign-in page shows the demo's accounts")  # noqa: FBT003


_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off", "")


def read_settings(environ: Mapping[str, str] | None = None) -> ServiceSettings:
    """Return the settings that the environment gives.

    Raises
    ------
    SettingError
        A value is not of its kind.
    """
    given = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    for one in fields(ServiceSettings):
        name = PREFIX + one.name.upper()
        if name in given:
            values[one.name] = _read(name, given[name], one.type)
    return ServiceSettings(**values)


def _read(name: str, text: str, kind: Any) -> Any:
    if kind is bool:
        word = text.strip().lower()
        if word not in _TRUE + _FALSE:
            raise SettingError(name, text, "true or false")
        return word in _TRUE
    if kind is int:
        if not text.strip().isdecimal():
            raise SettingError(name, text, "a whole number")
        return int(text)
    return text
