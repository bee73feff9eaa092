"""The description of the API is sound, and the service keeps to it whatever it is sent."""

import hypothesis
import pytest
import schemathesis
import schemathesis.specs.openapi.schemas
from hypothesis import HealthCheck, Phase
from openapi_spec_validator import validate
from schemathesis.checks import load_all_checks
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from gridgov.rules.orders.transitions import Role
from web.kit.api.tokens import find_mark
from web.kit.permissions import find_permission

PATH = "/api/v1/openapi.json"
EXAMPLES = 3
"""Of each call and kind, in a run of all tests; ``benchmarks/api_calls.py`` looks further."""


@pytest.fixture(scope="module")
def document(site):
    return site.app.test_client().get(PATH).get_json()


def test_it_is_openapi_3_1_and_says_what_each_call_needs(site, document):
    validate(document)
    assert document["openapi"] == "3.1.0"
    described = {
        (path, method)
        for path, calls in document["paths"].items()
        for method in calls
        if method != "parameters"
    }
    routes = set()
    for rule in site.app.url_map.iter_rules():
        if not rule.rule.startswith("/api/v1/") or rule.rule == PATH:
            continue
        view = site.app.view_functions[rule.endpoint]
        path = rule.rule.replace("<", "{").replace(">", "}")
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            routes.add((path, method.lower()))
            call = document["paths"][path][method.lower()]
            assert call["security"] == [{"token": [find_mark(view).scope.value]}], path
            assert call["x-permission"] == find_permission(view), path
            assert {"401", "403", "429"} <= set(call["responses"]), path
    assert routes == described


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_whatever_is_sent_gets_an_answer_that_is_described(site, callers, mode):
    if site.engine.dialect.name != "sqlite":
        pytest.skip("the same program answers on both")
    load_all_checks()
    schema = schemathesis.openapi.from_wsgi(PATH, site.app)
    headers = {"Authorization": f"Bearer {callers[Role.SUPERVISOR.value].token}"}
    checked = (
        status_code_conformance,
        content_type_conformance,
        response_headers_conformance,
        response_schema_conformance,
    )
    calls = 0
    for result in schema.get_all_operations():
        operation = result.ok()

        @hypothesis.settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
        def call(case):
            nonlocal calls
            calls += 1
            case.call_and_validate(headers=headers, checks=checked)

        call()
    assert calls >= EXAMPLES * 10
