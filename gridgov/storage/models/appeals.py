"""Appeals: what people said, with the place that was found; who they are stands apart."""

from datetime import datetime

import shapely
import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from gridgov.storage.models.base import Base, Id, No
from gridgov.storage.types import BigId, Geom, spatial_index_on


class Appeal(Base):
    """One appeal; telephone and identity numbers in ``text`` and ``address`` are masked here."""

    __tablename__ = "appeals"
    __table_args__ = (
        sa.UniqueConstraint("source", "appeal_no"),
        spatial_index_on("appeals", "point"),
    )

    id: Mapped[Id]
    source: Mapped[str] = mapped_column(sa.String(40))
    appeal_no: Mapped[No]
    received_at: Mapped[datetime]
    channel: Mapped[str | None]
    kind: Mapped[str | None]
    text: Mapped[str | None]
    address: Mapped[str | None]
    item_code: Mapped[str | None] = mapped_column(sa.String(200))
    item_confidence: Mapped[float | None]
    person_key: Mapped[str | None] = mapped_column(sa.String(64))
    unit_recorded: Mapped[str | None]
    # the place: geodata.frames.PLACE_COLUMNS and JURISDICTION_COLUMNS
    lon: Mapped[float | None]
    lat: Mapped[float | None]
    point: Mapped[shapely.Geometry | None] = mapped_column(Geom("POINT"))
    place_level: Mapped[str | None] = mapped_column(sa.String(16))
    uncertainty_m: Mapped[float | None]
    matched: Mapped[str | None]
    place_problem: Mapped[str | None]
    cell_code: Mapped[str | None] = mapped_column(sa.String(40))
    community_code: Mapped[str | None] = mapped_column(sa.String(32))
    street_code: Mapped[str | None] = mapped_column(sa.String(32))
    district_code: Mapped[str | None] = mapped_column(sa.String(32))
    exception_code: Mapped[str | None] = mapped_column(sa.String(64))
    boundary_m: Mapped[float | None]
    neighbour_code: Mapped[str | None] = mapped_column(sa.String(32))
    confidence: Mapped[float | None]
    boundary_version: Mapped[str] = mapped_column(sa.String(64))
    created_at: Mapped[datetime]


class FormSubmit(Base):
    """A form that was sent and what came of it: the same one sent again gets the same answer."""

    __tablename__ = "form_submits"

    submit_key: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    order_no: Mapped[No] = mapped_column(default="")
    sent_by: Mapped[str] = mapped_column(sa.String(64))
    sent_at: Mapped[datetime]


class AppealPerson(Base):
    """Personal data of an appeal: read only by roles that may."""

    __tablename__ = "appeal_persons"
    __table_args__ = (
        sa.Index(
            "ix_appeal_persons_phone",
            "phone",
            postgresql_where=sa.text("phone IS NOT NULL"),
            sqlite_where=sa.text("phone IS NOT NULL"),
        ),
        sa.Index(
            "ix_appeal_persons_name",
            "name",
            postgresql_where=sa.text("name IS NOT NULL"),
            sqlite_where=sa.text("name IS NOT NULL"),
        ),
    )

    appeal_id: Mapped[int] = mapped_column(
        BigId, sa.ForeignKey("appeals.id"), primary_key=True, autoincrement=False
    )
    name: Mapped[str | None]
    phone: Mapped[str | None]
    raw_text: Mapped[str | None]
    """As it was said, where it differs from the masked text."""
    raw_address: Mapped[str | None]


class PinMove(Base):
    """A person moved the pin of an appeal: the correction that answers the next address too."""

    __tablename__ = "pin_moves"

    id: Mapped[Id]
    appeal_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("appeals.id"), index=True)
    address: Mapped[str | None]
    address_key: Mapped[str | None] = mapped_column(sa.String(200), index=True)
    """The address folded as the gazetteer folds names: the same address written otherwise is the same."""
    from_lon: Mapped[float | None]
    from_lat: Mapped[float | None]
    lon: Mapped[float]
    lat: Mapped[float]
    source: Mapped[str] = mapped_column(sa.String(32))
    made_by: Mapped[str] = mapped_column(sa.String(64))
    made_at: Mapped[datetime]
    withdrawn_by: Mapped[str | None] = mapped_column(sa.String(64))
    withdrawn_at: Mapped[datetime | None]
