"""The JSON schema of plans, made from the dataclasses of :mod:`planner.plans.record`, so that neither can stray.

``python -m planner.plans.schema`` writes ``planner/documents/plan.schema.json``.
"""

import json
from dataclasses import fields, is_dataclass
from importlib import resources
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from planner.plans.record import SCHEMA, Plan

_PLAIN: dict[Any, dict[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    Any: {},
}


def make_schema() -> dict[str, Any]:
    """Return the schema (draft 2020-12) of ``make_plan_json``."""
    body = _describe(Plan)
    body["properties"] = {"plan_no": {"type": "string"}, **body["properties"]}
    body["properties"]["schema"] = {"enum": [SCHEMA]}
    body["required"] = ["plan_no", *body["required"]]
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA}
    return {**head, "title": "One street, one plan", **body}


def make_schema_text() -> str:
    """Return the schema as it is shipped."""
    return json.dumps(make_schema(), ensure_ascii=False, indent=1) + "\n"


def _describe(kind: Any) -> dict[str, Any]:
    """Return the schema of one type; a written plan has every field, also those with defaults."""
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        properties = {one.name: _describe(hints[one.name]) for one in fields(kind)}
        return {
            "type": "object",
            "additionalProperties": False,
            "required": list(properties),
            "properties": properties,
        }
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        known = [_describe(one) for one in inner if one is not type(None)]
        first = dict(known[0])
        types = first.get("type", [])
        names = [types] if isinstance(types, str) else list(types)
        names += [str(one["type"]) for one in known[1:]]
        return {**first, "type": [*dict.fromkeys(names), "null"]} if names else first
    if origin is tuple:
        return {"type": "array", "items": _describe(inner[0])}
    if origin is dict:
        return {"type": "object"}
    if origin is Literal:
        return {"enum": list(inner)}
    return dict(_PLAIN[kind])


def write_schema() -> Path:
    """Write the schema beside the documents that ship it, and return where."""
    path = Path(str(resources.files("planner.documents").joinpath("plan.schema.json")))
    path.write_text(make_schema_text(), encoding="utf-8")
    return path


if __name__ == "__main__":
    write_schema()
