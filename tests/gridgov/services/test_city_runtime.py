"""The desk: loaded only with the pack that the database knows; units as of a day; items without a catalogue."""

from datetime import date
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from gridgov.errors import GridgovError
from gridgov.pack.city import load_city
from gridgov.services.city_runtime import (
    CityRuntime,
    PackChangedError,
    UnknownUnitError,
    load_runtime,
    make_runtime,
)
from gridgov.services.load.pack import load_pack
from gridgov.services.settings import ServiceSettings
from tests.gridgov.packs import MINIMAL, TABLES, write_pack
from tests.gridgov.services.city import NOW, STREET, take

DAY = date(2024, 3, 4)


def test_a_pack_that_changed_under_open_orders_is_said_so(
    sessions: sessionmaker[Session], tmp_path: Path
) -> None:
    folder = write_pack(tmp_path / "pack")
    with sessions.begin() as session:
        load_pack(session, load_city(folder), at=NOW)
    with sessions.begin() as session:
        runtime = load_runtime(ServiceSettings(salt="s"), session)
        take(session, runtime)
        take(session, runtime)
    version = runtime.boundary_version
    (folder / "units.csv").write_text(
        TABLES["units"] + "E02,燃气集团,enterprise,CITY,,city\n", encoding="utf-8"
    )
    with sessions() as session, pytest.raises(PackChangedError) as error:
        load_runtime(ServiceSettings(), session)
    assert error.value.open_orders == {version: 2}
    assert f"gridgov load {folder}" in str(error.value)
    assert f"2 by {version}" in str(error.value)


def test_no_city_and_no_folder_are_said_so(
    sessions: sessionmaker[Session], runtime: CityRuntime
) -> None:
    with sessions.begin() as session:
        with pytest.raises(GridgovError, match=r"no city.*gridgov load"):
            load_runtime(ServiceSettings(), session)
        load_pack(session, runtime.city, at=NOW)
        with pytest.raises(GridgovError, match="not there"):
            load_runtime(ServiceSettings(city="/nowhere"), session)


def test_units_are_those_of_the_day(tmp_path: Path) -> None:
    units = TABLES["units"].replace("unit_code,name", "valid_from,valid_to,unit_code,name")
    lines = units.splitlines()
    table = "\n".join([lines[0], *(f",,{line}" for line in lines[1:])])
    table = table.replace(f",,{STREET},东", f",2024-03-03,{STREET},东")
    runtime = make_runtime(load_city(write_pack(tmp_path, units=table + "\n")), salt="s")
    assert runtime.find_superiors("110101002", DAY) == ("110101", "CITY")
    assert runtime.find_superiors(STREET, DAY) == ()
    with pytest.raises(UnknownUnitError, match=f"{STREET}.*2024-03-04"):
        runtime.check_unit(STREET, DAY)
    assert runtime.check_unit(STREET, date(2024, 3, 3)) == STREET


def test_without_a_catalogue_the_categories_are_the_items(
    sessions: sessionmaker[Session], tmp_path: Path
) -> None:
    runtime = make_runtime(load_city(write_pack(tmp_path, MINIMAL)), salt="s")
    assert runtime.find_level1("市容 / 占道") == "市容"
    with sessions.begin() as session:
        load_pack(session, runtime.city, at=NOW)
        taken = take(session, runtime, item_code="市容 / 占道")
    assert taken.is_new
    assert runtime.get_duties(DAY) is runtime.get_duties(DAY)
