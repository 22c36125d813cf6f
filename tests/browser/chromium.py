"""A real Chromium for the tests: the one of the system, of $CHROMIUM, or that of Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


class NoChromiumError(Exception):
    """There is no Chromium on this machine."""


def find() -> str | None:
    """Find the system's Chromium; None when there is none."""
    named = os.environ.get("CHROMIUM")
    return named or next((p for p in map(shutil.which, _NAMES) if p), None)


@contextmanager
def launched() -> Iterator[Any]:
    """Run a browser without a window.

    Raises:
        NoChromiumError: none is installed.
    """
    with sync_playwright() as playwright:
        path = find()
        if path is None and not Path(playwright.chromium.executable_path).exists():
            raise NoChromiumError(
                "no Chromium: install the system's (apt-get install chromium), name one by CHROMIUM=/path/to/it, or "
                "run .venv/bin/playwright install chromium"
            )
        # Chromium's own sandbox needs rights that a container often lacks; it only ever opens our own pages.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        try:
            yield browser
        finally:
            browser.close()
