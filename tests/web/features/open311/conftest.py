"""The small city behind Open311, called as the API's tests call it, and served for clients that others wrote."""

import threading

import pytest
from werkzeug.serving import make_server

from tests.web.features.api.conftest import api_runtime, callers, site

__all__ = ["api_runtime", "callers", "site"]


@pytest.fixture(scope="module")
def address(site):
    """Return the address of the service, served on a port of its own."""
    server = make_server("127.0.0.1", 0, site.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/open311/v2"
    server.shutdown()
    thread.join()
