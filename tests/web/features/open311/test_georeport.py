"""GeoReport v2 row by row: what its tables ask for, in XML and JSON, every error, and clients that others wrote."""

import json
from datetime import datetime, timedelta
from urllib.parse import urlencode
from xml.etree import ElementTree as ET  # our own answers

import pytest
import requests
from georeport import GeoReport

from gridgov.services.accounts.tokens import TokenScope
from tests.gridgov.services.city import NOW

V2 = "/open311/v2"
INSIDE = {"lat": "39.905", "long": "116.405"}


def read(answer, form):
    """Return an answer as plain values: lists of entries, texts."""
    if form == "json":
        assert answer.content_type == "application/json; charset=utf-8"
        return json.loads(answer.get_data(as_text=True))
    assert answer.content_type == "text/xml; charset=utf-8"
    return _plain(ET.fromstring(answer.get_data()))  # noqa: S314 - our own answer


def _plain(node):
    if not len(node):
        return node.text
    names = [child.tag for child in node]
    if len(set(names)) == 1 and names[0] in {
        "service",
        "request",
        "error",
        "attribute",
        "value",
        "endpoint",
        "format",
    }:
        return [_plain(child) for child in node]
    return {child.tag: _plain(child) for child in node}


def send(site, callers, form="json", status=200, **fields):
    body = (
        {"api_key": callers["operator"].token, "service_code": "111", "description": "路灯不亮"}
        | INSIDE
        | fields
    )
    body = {name: value for name, value in body.items() if value is not None}
    answer = site.app.test_client().post(f"{V2}/requests.{form}", data=body)
    assert answer.status_code == status, answer.text
    return read(answer, form)


@pytest.mark.parametrize("form", ["json", "xml"])
def test_discovery_services_and_definitions(site, form):
    client = site.app.test_client()
    told = read(client.get(f"{V2}/discovery.{form}"), form)
    assert told["endpoints"][0]["specification"] == "http://wiki.open311.org/GeoReport_v2"
    assert told["endpoints"][0]["formats"] == ["text/xml", "application/json"]
    services = read(client.get(f"{V2}/services.{form}"), form)
    catalogue = site.runtime.city.catalogue
    leaves = catalogue.items[catalogue.items["level"].astype(int) == 3]
    assert {one["service_code"] for one in services} == set(leaves["item_code"])
    one = next(one for one in services if one["service_code"] == "111")
    assert set(one) == {
        "service_code",
        "service_name",
        "description",
        "metadata",
        "type",
        "keywords",
        "group",
    }
    assert one["type"] == "realtime"
    assert one["metadata"] in (True, False, "true", "false")
    assert one["group"] == catalogue.names[site.runtime.find_level1("111")]
    told = read(client.get(f"{V2}/services/111.{form}"), form)
    assert told["service_code"] == "111"


@pytest.mark.parametrize("form", ["json", "xml"])
def test_a_request_is_posted_and_found_by_number_token_and_filter(site, callers, form):
    words = f"路灯不亮 <b>&\u0001 {form}"
    (posted,) = send(
        site, callers, form, description=words, address_string="长安街1号", phone="13812345678"
    )
    assert set(posted) == {"service_request_id", "service_notice", "account_id"}
    number, client = posted["service_request_id"], callers["dispatcher"]
    key = f"api_key={client.token}"
    anyone = site.app.test_client()
    (told,) = read(anyone.get(f"{V2}/requests/{number}.{form}?{key}"), form)
    assert told["description"] == (words if form == "json" else words.replace("\u0001", ""))
    assert told["status"] == "open"
    assert told["agency_responsible"] == site.runtime.city.names["110101001"]
    assert (float(told["lat"]), float(told["long"])) == (39.905, 116.405)
    assert datetime.fromisoformat(told["requested_datetime"]).tzinfo is not None
    (told,) = read(anyone.get(f"{V2}/tokens/{number}.{form}"), form)
    assert told == {"service_request_id": number, "token": number}
    listed = read(anyone.get(f"{V2}/requests.{form}?service_request_id={number},none"), form)
    assert [one["service_request_id"] for one in listed] == [number]
    since = (NOW - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    found = f"{V2}/requests.{form}?service_code=111,112&status=open&start_date={since}"
    assert number in [one["service_request_id"] for one in read(anyone.get(found), form)]
    assert not read(anyone.get(f"{V2}/requests.{form}?status=closed"), form)


def test_without_a_key_nobody_reads_what_people_said(site, callers):
    (posted,) = send(
        site, callers, description="张三的电话13812345678", lat="39.90512345", long="116.40512345"
    )
    number = posted["service_request_id"]
    other = callers["operator"].post(
        "/api/v1/appeals", {"source": "p", "text": "x", "lon": 116.405, "lat": 39.905}
    )
    hidden = other.get_json()["order_nos"][0]
    anyone = site.app.test_client()
    (told,) = read(anyone.get(f"{V2}/requests/{number}.json"), "json")
    assert told["description"] is told["address"] is None
    assert (told["lat"], told["long"]) == (39.905, 116.405)
    assert anyone.get(f"{V2}/requests/{hidden}.json").status_code == 404
    keyed = anyone.get(f"{V2}/requests/{number}.json?api_key={callers['street_centre'].token}").text
    assert "13812345678" not in keyed
    # A key sees the rows of its account.
    path = f"{V2}/requests/{number}.json?api_key={callers['other_street'].token}"
    assert anyone.get(path).status_code == 404


@pytest.mark.parametrize("form", ["json", "xml"])
@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("services.{}?jurisdiction_id=elsewhere.gov", 404, "jurisdiction_id"),
        ("services/999999.{}", 404, "service_code"),
        ("services/111.{}?jurisdiction_id=x", 404, "jurisdiction_id"),
        ("tokens/none.{}", 404, "token"),
        ("requests/none.{}", 404, "service_request_id"),
        ("requests.{}?jurisdiction_id=x", 404, "jurisdiction_id"),
        ("requests.{}?start_date=yesterday", 400, "start_date"),
        ("requests.{}?end_date=2024-13-01T00:00:00Z", 400, "end_date"),
        (
            "requests.{}?start_date=2024-01-01T00:00:00Z&end_date=2024-12-01T00:00:00Z",
            400,
            "90 days",
        ),
        (
            "requests.{}?start_date=2024-03-01T00:00:00Z&end_date=2024-02-01T00:00:00Z",
            400,
            "90 days",
        ),
        ("requests.{}?start_date=0001-01-01T00:00:00Z", 400, "start_date"),
        ("requests.{}?status=lost", 400, "status"),
        ("requests.{}?api_key=wrong", 403, "token"),
        ("responsible.{}", 400, "lat"),
        ("responsible.{}?lat=39.9", 400, "lat"),
        ("responsible.{}?lat=nan&long=x", 400, "lat"),
        ("responsible.{}?lat=39.9&long=116.4&service_code=none", 404, "service_code"),
        ("nothing.{}", 404, ""),
    ],
)
def test_every_error_has_its_code_and_says_which_field(site, form, path, status, says):
    answer = site.app.test_client().get(f"{V2}/{path.format(form)}")
    assert answer.status_code == status, answer.text
    for error in read(answer, form):
        assert int(error["code"]) == status
        assert says in error["description"]


@pytest.mark.parametrize(
    ("changes", "status", "says"),
    [
        ({"api_key": None}, 403, "token"),
        ({"api_key": "wrong"}, 403, "token"),
        ({"jurisdiction_id": "x"}, 404, "jurisdiction_id"),
        ({"service_code": None}, 400, "service_code"),
        ({"service_code": "999999"}, 404, "service_code"),
        ({"lat": None, "long": None}, 400, "address_string"),
        ({"lat": None}, 400, "lat"),
        ({"lat": "north"}, 400, "lat"),
        ({"lat": "1", "long": "1"}, 400, "outside"),
        ({"lat": "inf"}, 400, "lat"),
        ({"attribute[kind]": "none such"}, 400, "attribute[kind]"),
        ({"description": "x" * 200_000}, 400, "text"),
    ],
)
def test_a_request_that_is_not_right_is_refused_whole(site, callers, changes, status, says):
    told = send(site, callers, status=status, **changes)
    assert any(says in one["description"] for one in told), told
    assert {one["code"] for one in told} == {status}


def test_a_key_without_the_right_posts_nothing(site, callers):
    for key in (callers["planner"].token, site.make_caller("operator", TokenScope.PLACES).token):
        told = send(site, callers, status=403, api_key=key)
        assert told[0]["code"] == 403


@pytest.mark.parametrize("form", ["json", "xml"])
def test_who_answers_here_how_sure_and_why(site, form):
    client = site.app.test_client()
    told = read(
        client.get(f"{V2}/responsible.{form}?lat=39.905&long=116.405&service_code=111"), form
    )
    assert told["accepted"] in (True, "true")
    assert told["agency_code"] == "110101001"
    assert float(told["confidence"]) > 0.99
    assert told["street"] in told["reason"]
    edge = read(client.get(f"{V2}/responsible.{form}?lat=39.905&long=116.41999"), form)
    assert float(edge["confidence"]) < float(told["confidence"])
    assert edge["neighbour"] == site.runtime.city.names["110102001"]
    outside = read(client.get(f"{V2}/responsible.{form}?lat=31.2&long=121.5"), form)
    assert outside["accepted"] in (False, "false")
    assert outside["reason"]


@pytest.mark.parametrize("form", ["json", "xml"])
def test_the_client_georeport_finds_its_way(site, callers, address, form):
    (posted,) = send(site, callers, description=f"客户端 {form}")
    number = posted["service_request_id"]
    # Entries that come alone are no list to this client's XML.
    api = GeoReport(address, api_key=callers["dispatcher"].token, output_format=form)
    assert len(api.get_service_list()) > 1
    assert api.get_service_definition("111")["service_code"] == "111"
    assert api.get_service_request(number)["service_request_id"] == number
    since = (NOW - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    found = api.get_service_requests(service_code="111", start_date=since, status="open")
    assert number in [one["service_request_id"] for one in found]
    with pytest.raises(requests.HTTPError):
        api.get_service_request("none")


def test_the_requests_that_the_client_three_sends_are_answered(callers, address):
    """three 0.8.0 runs on Python 2 alone; these are its requests (three/core.py), sent as it sends them."""
    key, session = callers["operator"].token, requests.Session()
    start, end = ((NOW + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ") for days in (-30, 1))
    body = {
        "service_code": "111",
        "lat": 39.905,
        "long": 116.405,
        "description": "three",
        "api_key": key,
    }
    with session:
        posted = session.post(f"{address}/requests.json", data=body).json()
        number = posted[0]["service_request_id"]
        for path, params in (
            ("discovery", {}),
            ("services", {}),
            ("services/111", {}),
            ("requests", {"start_date": start, "end_date": end, "page_size": 10}),
            ("requests", {"service_code": "111", "status": "open"}),
            (f"requests/{number}", {}),
            (f"tokens/{number}", {}),
        ):
            for form in ("json", "xml"):
                answer = session.get(f"{address}/{path}.{form}?{urlencode(params)}")
                assert answer.status_code == 200, (path, answer.text)
