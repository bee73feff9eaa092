"""Calls described as OpenAPI 3.1 from their schemas: these check what is read, and every answer stands in the document.

A blueprint that is made here refuses fields and parameters that it does not know, tells every field at fault at once,
and takes nothing but JSON in a body. The document names for each call the scope of its token and every error.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

import flask_smorest
import marshmallow as ma
from apispec import APISpec
from flask import Flask, Request
from webargs import core
from webargs.flaskparser import FlaskParser

from web.kit.api.problems import MEDIA_TYPE, Fault, ProblemError, refuse_fields
from web.kit.api.tokens import find_mark
from web.kit.permissions import find_permission

OPENAPI = "3.1.0"
WHERE = {
    "json": "body",
    "query": "query",
    "querystring": "query",
    "headers": "header",
    "path": "path",
}
UNSTORABLE = "holds a sign that no text has (NUL or half of a surrogate pair)"


class Text(ma.fields.String):
    """A text that a database can store."""

    default_error_messages = {"sign": UNSTORABLE}  # noqa: RUF012 - as marshmallow has it

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        if "\0" in text or any("\ud800" <= sign <= "\udfff" for sign in text):
            raise self.make_error("sign")
        return text


class Schema(ma.Schema):
    """Fields in the order in which they are written; none that is not written is taken."""

    class Meta:
        """How it loads."""

        unknown = ma.RAISE
        ordered = True


class _Parser(FlaskParser):
    DEFAULT_UNKNOWN_BY_LOCATION: dict[str, str | None] = {  # noqa: RUF012 - as webargs has it
        **FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION,
        "query": ma.RAISE,
        "querystring": ma.RAISE,
    }

    def _raw_load_json(self, req: Request) -> Any:
        if not (req.content_length or req.get_data()):
            return core.missing
        # A form has been read already, and left no data.
        if not req.is_json:
            raise ProblemError(
                415,
                "media_type",
                f"the body is {req.mimetype or 'of no type'}; expected application/json",
            )
        try:
            return super()._raw_load_json(req)
        except RecursionError as error:
            raise ProblemError(400, "address", "the body is nested too deeply") from error

    def _handle_invalid_json_error(
        self,
        error: Any,
        req: Request,  # noqa: ARG002 - as webargs calls it
        *args: Any,  # noqa: ARG002 - as webargs calls it
        **kwargs: Any,  # noqa: ARG002 - as webargs calls it
    ) -> NoReturn:
        raise ProblemError(400, "address", "the body is not JSON in UTF-8") from error

    def handle_error(
        self,
        error: ma.ValidationError,
        req: Request,  # noqa: ARG002 - as webargs calls it
        schema: ma.Schema,  # noqa: ARG002 - as webargs calls it
        **kwargs: Any,  # noqa: ARG002 - as webargs calls it
    ) -> NoReturn:
        messages = (
            error.messages if isinstance(error.messages, Mapping) else {"json": error.messages}
        )
        faults = [
            fault
            for location, told in messages.items()
            for fault in read_messages(WHERE.get(str(location), "body"), told)
        ]
        raise refuse_fields(faults) from error


def read_messages(where: str, told: Any, path: str = "") -> Iterator[Fault]:
    """Return faults from the messages of a schema, nested as its fields are."""
    if isinstance(told, Mapping):
        for name, inner in told.items():
            own = "" if name == "_schema" else str(name).replace("~", "~0").replace("/", "~1")
            below = (f"{path}/{own}" if own else path) if where == "body" else own or path
            yield from read_messages(where, inner, below)
        return
    for one in told if isinstance(told, list) else [told]:
        if isinstance(one, (Mapping, list)):
            yield from read_messages(where, one, path)
        else:
            yield Fault(where=where, field=path, problem=str(one).rstrip("."))


class Blueprint(flask_smorest.Blueprint):  # type: ignore[misc]  # flask-smorest has no types
    """A blueprint whose calls are described."""

    ARGUMENTS_PARSER = _Parser()


class _Api(flask_smorest.Api):  # type: ignore[misc]  # flask-smorest has no types
    """Registers blueprints and keeps the document; errors are answered by ``web.kit.errors``."""

    def _register_error_handlers(self) -> None:
        pass


_PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "Problem details (RFC 9457)",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string", "description": "Number under which the log has it"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["in", "detail"],
                "properties": {
                    "in": {"enum": ["body", "query", "header", "path"]},
                    "pointer": {"type": "string", "description": "JSON pointer in the body"},
                    "parameter": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}
ERRORS = {
    400: "The request cannot be read",
    401: "No valid token",
    403: "Role, unit or token do not allow it",
    404: "There is none that you may see",
    405: "The method is not known here",
    409: "Somebody changed it meanwhile",
    412: "It is not the version that If-Match names",
    413: "The body is too large",
    415: "The body is not JSON",
    422: "A field cannot be taken, or the rules refuse it",
    429: "More calls than the token allows in a minute",
    503: "No city, or no database",
}


def make_document(
    app: Flask,
    blueprints: list[Blueprint],
    *,
    title: str,
    version: str,
    description: str,
    prefix: str,
) -> dict[str, Any]:
    """Register blueprints with `app` and return their document.

    Parameters
    ----------
    prefix
        Name under which flask-smorest keeps this interface apart from others.
    """
    api = _Api(
        app,
        spec_kwargs={
            "title": title,
            "version": version,
            "openapi_version": OPENAPI,
            "info": {"description": description},
        },
        config_prefix=prefix,
    )
    api.spec.components.schema("Problem", _PROBLEM)
    api.spec.components.security_scheme(
        "token", {"type": "http", "scheme": "bearer", "description": "Made by gridgov user token"}
    )
    for blueprint in blueprints:
        api.register_blueprint(blueprint)
    return _complete(app, api.spec)


def _complete(app: Flask, spec: APISpec) -> dict[str, Any]:
    """Return the document with scopes, permissions and every error of each call."""
    document: dict[str, Any] = spec.to_dict()
    document["servers"] = [{"url": "/"}]
    views = {
        _write_path(rule.rule): app.view_functions[rule.endpoint]
        for rule in app.url_map.iter_rules()
    }
    methods = {
        (_write_path(r.rule), m.lower()): app.view_functions[r.endpoint]
        for r in app.url_map.iter_rules()
        for m in r.methods or ()
    }
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method == "parameters":
                continue
            view = methods.get((path, method), views.get(path))
            mark = find_mark(view)
            if mark is not None and view is not None:
                operation["security"] = [{"token": [mark.scope.value]}]
                operation["x-permission"] = str(find_permission(view))
            operation["operationId"] = (
                operation.get("operationId") or f"{method}_{path.strip('/').replace('/', '_')}"
            )
            # Blueprints of pages have the plain names.
            operation["tags"] = [tag.removeprefix("api_") for tag in operation.get("tags", [])]
            answers = operation.setdefault("responses", {})
            answers.pop("default", None)
            _add_headers(
                method, operation, changes=mark is not None and mark.scope.endswith(":write")
            )
            for status in _find_errors(operations, operation, has_mark=mark is not None):
                answers[str(status)] = {
                    "description": ERRORS[status],
                    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
                }
    for tag in document.get("tags", []):
        tag["name"] = tag["name"].removeprefix("api_")
    document.get("components", {}).pop("responses", None)
    return document


_TEXT = {"type": "string"}
_HEADERS: dict[str, dict[str, Any]] = {
    "Idempotency-Key": {
        "maxLength": 200,
        "description": "The same call under it counts once, and is answered alike",
    },
    "If-Match": {"description": "ETag that was seen; 412 where it is another one now"},
    "If-None-Match": {"description": "ETag that is there already; 304 where it still holds"},
}


def _add_headers(method: str, operation: dict[str, Any], *, changes: bool) -> None:
    """Describe the headers by which calls count once and changes are not lost."""
    names: tuple[str, ...] = ("Idempotency-Key", "If-Match") if changes else ()
    if method == "get":
        names = ("If-None-Match",)
        operation["responses"]["304"] = {"description": "It is what If-None-Match names"}
    for name in names:
        told = dict(_HEADERS[name])
        described = {"name": name, "in": "header", "description": told.pop("description")}
        operation.setdefault("parameters", []).append(described | {"schema": _TEXT | told})


def _write_path(rule: str) -> str:
    """Return a rule of Werkzeug as OpenAPI writes it."""
    parts = []
    for part in rule.split("/"):
        inner = part.strip("<>")
        parts.append("{" + inner.rsplit(":", 1)[-1] + "}" if part.startswith("<") else part)
    return "/".join(parts)


def _find_errors(
    operations: Mapping[str, Any], operation: Mapping[str, Any], *, has_mark: bool
) -> Iterator[int]:
    yield 400
    yield 503
    if has_mark:
        yield from (401, 403, 429)
    in_path = [*operations.get("parameters", ()), *operation.get("parameters", ())]
    if any(isinstance(one, dict) and one.get("in") == "path" for one in in_path):
        yield 404
    if operation.get("parameters") or "requestBody" in operation:
        yield from (404, 422)
    if "requestBody" in operation:
        yield from (409, 412, 413, 415, 422)
