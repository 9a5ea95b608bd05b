"""A real App server and a real browser for the tests of this folder.

Each test module has a server and a browser of its own: the server keeps a view, a selection and panels
between pages, and Playwright's event loop must not outlive the tests that need it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.app.driver import AppPage
from tests.app.server import AppServer
from tests.shared_data import REPOSITORY

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

CHROMIUM = Path("/usr/bin/chromium")
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    # There is no graphics card: the page is put together without one, rather than by an imitation of one that
    # takes more than twice as much of the processor. WebGL has the imitation all the same.
    "--disable-gpu",
    "--enable-unsafe-swiftshader",
    # The App asks for fonts of the internet. To block them in Playwright's own way turns the browser's cache
    # off, so that the server has to give all of the App's scripts anew for each page.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
]
# All that a page may keep, but not what the browser itself caches.
KEPT_BY_PAGES = "cookies,file_systems,indexeddb,local_storage,service_workers,cache_storage"
OUTPUT = REPOSITORY / "test-output" / "app"
WINDOW_WH = (1400, 900)

app_key = pytest.StashKey[tuple[AppPage, AppServer]]()


@pytest.fixture(scope="module")
def plugin_folders() -> list[Path]:
    """The plugins that the App loads: the repository's. A module may override this fixture."""
    return [REPOSITORY]


@pytest.fixture(scope="module")
def app_environment() -> dict[str, str]:
    """What the App's environment has besides: nothing. A module may override this fixture."""
    return {}


@pytest.fixture(scope="module")
def app_server(
    plugin_folders: list[Path], app_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[AppServer]:
    """An App server on a port of its own, with ``plugin_folders`` linked into its plugins folder."""
    folder = tmp_path_factory.mktemp("app")
    plugins = folder / "plugins"
    plugins.mkdir()
    for plugin in plugin_folders:
        (plugins / plugin.name).symlink_to(plugin, target_is_directory=True)
    with AppServer(plugins, folder / "server.log", app_environment) as server:
        yield server


@pytest.fixture(scope="module")
def browser_context() -> Iterator[BrowserContext]:
    """Chromium, headless; the test is skipped where there is none, or fails in CI."""
    from playwright.sync_api import sync_playwright

    if not CHROMIUM.exists():
        reason = f"there is no {CHROMIUM}; apt-get install chromium brings it"
        if os.environ.get("CI", "").lower() in ("true", "1"):
            pytest.fail(reason)
        pytest.skip(reason)
    width, height = WINDOW_WH
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        yield chromium.new_context(viewport={"width": width, "height": height})
        chromium.close()


@pytest.fixture
def app(
    browser_context: BrowserContext, app_server: AppServer, request: pytest.FixtureRequest
) -> Iterator[AppPage]:
    """A fresh page of the App; where the test fails, a picture and the logs are kept."""
    page = AppPage(browser_context.new_page(), app_server.url, OUTPUT)
    request.node.stash[app_key] = (page, app_server)
    yield page
    del request.node.stash[app_key]
    for one in browser_context.pages:
        one.close()
    forget = {"origin": app_server.url, "storageTypes": KEPT_BY_PAGES}
    blank = browser_context.new_page()
    browser_context.new_cdp_session(blank).send("Storage.clearDataForOrigin", forget)
    blank.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call" and report.failed and app_key in item.stash:
        page, server = item.stash[app_key]
        _explain(report, page, server, re.sub(r"\W+", "_", item.name))
    return report


def _explain(report: pytest.TestReport, page: AppPage, server: AppServer, name: str) -> None:
    from playwright.sync_api import Error

    try:
        seen = [f"picture: {page.screenshot(f'failed_{name}')}", f"dialogs: {page.dialogs()}"]
        seen.append(f"notifications: {page.notifications()}")
    except Error as error:  # the page may be gone
        seen = [f"no picture: {error}"]
    report.sections.append(("the App", "\n".join(seen)))
    report.sections.append(("the page's console", "\n".join(page.console[-40:])))
    report.sections.append(("the App server's log", server.log_tail()))
