"""All models in one place: importing this module fills the metadata (migrations, tests)."""

from gridgov.storage.models import (
    accounts,
    appeals,
    city,
    counts,
    effects,
    journal,
    orders,
    plans,
    secrets,
    tokens,
    topics,
    whistles,
    work,
)
from gridgov.storage.models.base import Base

MODULES = (
    accounts,
    appeals,
    city,
    counts,
    effects,
    journal,
    orders,
    plans,
    secrets,
    tokens,
    topics,
    whistles,
    work,
)
METADATA = Base.metadata
