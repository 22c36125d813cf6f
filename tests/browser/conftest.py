"""A served demo warehouse and a browser; a page that logs an error or asks for anything elsewhere fails its test."""

from __future__ import annotations

import pytest

from tests.browser.chromium import launched
from tests.serving import dashboard, demo


@pytest.fixture(scope="session")
def facts(tmp_path_factory):
    return demo(tmp_path_factory.mktemp("browsed"), days=4, orders=60)


@pytest.fixture(scope="session")
def url(facts):
    with dashboard("--output", str(facts)) as address:
        yield address


@pytest.fixture(scope="session")
def browser():
    with launched() as chromium:
        yield chromium


@pytest.fixture
def opened(browser, url):
    """Open pages of a size; complaints of the browser end the test."""
    contexts, complaints = [], []

    def open_page(width=1400, height=900, **options):
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda e: complaints.append(str(e)))
        page.on("request", lambda r: complaints.append(f"asked for {r.url}") if not r.url.startswith(url) else None)
        page.on("requestfailed", lambda r: complaints.append(f"failed: {r.url}"))
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []
