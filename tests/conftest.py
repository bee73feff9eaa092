"""What all tests share: marks made from what a test uses, and the same examples of properties every time.

A run that must be green before it lands may not depend on luck; ``--hypothesis-profile=explore`` looks further.
"""

import pytest
from hypothesis import settings

settings.register_profile("same", derandomize=True, print_blob=True)
settings.register_profile("explore", print_blob=True)
settings.load_profile("same")

SERVED = {"postgres", "postgres_template"}
"""Fixtures that start the test cluster."""
MADE_BY_A_RUN = {"out_dir", "sample_dir"}
"""Fixtures that write the sample city or run the whole main job."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what ``script/test --quick`` leaves out: whatever needs PostgreSQL or a whole run of the main job."""
    for item in items:
        if not isinstance(item, pytest.Function):
            continue
        variant = item.callspec.params.values() if hasattr(item, "callspec") else ()
        served = any(isinstance(value, str) and value == "postgresql" for value in variant)
        if served or SERVED & set(item.fixturenames):
            item.add_marker(pytest.mark.postgres)
        if MADE_BY_A_RUN & set(item.fixturenames):
            item.add_marker(pytest.mark.slow)
