"""What the tests of the built book share: the book, a loopback server over it, and one browser with no network."""

from __future__ import annotations

import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from tools import book  # noqa: E402

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge")
BROWSER_OPTIONS = [
    "--no-sandbox",  # the tests may run as root in a container; only our own pages are opened
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
]
LOOK_JS = Path(__file__).with_name("look.js").read_text(encoding="utf-8")


def toc_pages(root: Path = ROOT) -> list[str]:
    """Return the pages that ``_toc.yml`` names, in its order, without suffixes."""
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    found: list[str] = [toc["root"]]

    def collect(entry: Any) -> None:
        if isinstance(entry, list):
            for item in entry:
                collect(item)
        elif isinstance(entry, dict):
            if "file" in entry:
                found.append(entry["file"])
            for value in entry.values():
                collect(value)

    collect(toc.get("parts", toc.get("chapters", [])))
    return found


def is_notebook(name: str) -> bool:
    """Tell whether a page's source is a notebook."""
    return (ROOT / f"{name}.ipynb").is_file()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for ``page_name`` on every page; for ``notebook_name``, on every notebook page."""
    if "page_name" in metafunc.fixturenames:
        metafunc.parametrize("page_name", [*toc_pages(), "search"])
    if "notebook_name" in metafunc.fixturenames:
        metafunc.parametrize("notebook_name", [name for name in toc_pages() if is_notebook(name)])


@dataclass
class Visit:
    """What a browser met on one page."""

    requests: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    wide: dict[str, Any] = field(default_factory=dict)
    narrow: dict[str, Any] = field(default_factory=dict)
    dark: dict[str, Any] = field(default_factory=dict)


class QuietHandler(SimpleHTTPRequestHandler):
    """Serve files and say nothing."""

    def log_message(self, *_args: Any) -> None:
        """Print no line a request."""


@pytest.fixture(scope="session")
def built_book() -> Path:
    """Return the folder of the current book, built first where it is missing or stale."""
    return ROOT / "_build/html" if book.is_current(ROOT) else book.build(ROOT)


@pytest.fixture(scope="session")
def address(built_book: Path) -> Iterator[str]:
    """Serve the book on the loopback interface and yield the address of its root, with a slash at the end."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(built_book)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()
    thread.join(timeout=5)


def no_browser(reason: str) -> None:
    """Skip, or fail where a browser is required."""
    if os.environ.get("GPULAB_REQUIRE_BROWSER") == "1":
        pytest.fail(f"GPULAB_REQUIRE_BROWSER=1, but {reason}")
    pytest.skip(f"{reason}: install Chromium, or name it in GPULAB_CHROMIUM, to test the pages")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Start one headless Chromium that can resolve no name."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        no_browser("the package playwright is not installed")
    program = os.environ.get("GPULAB_CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        no_browser("no Chromium was found")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, headless=True, args=BROWSER_OPTIONS)
        yield running
        running.close()


@pytest.fixture
def open_page(browser: Any) -> Iterator[Callable[..., Any]]:
    """Return a function that opens a new page of the given width; all are closed after the test."""
    contexts = []

    def opened(width: int = 1280) -> Any:
        contexts.append(browser.new_context(viewport={"width": width, "height": 900}))
        return contexts[-1].new_page()

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def visit(browser: Any, address: str) -> Callable[[str], Visit]:
    """Return a function that visits a page of the book once: wide and light, then narrow, then dark."""

    @cache
    def visited(name: str) -> Visit:
        seen = Visit()
        context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")
        page = context.new_page()
        page.on("request", lambda request: seen.requests.append(request.url))
        page.on("requestfailed", lambda request: seen.failures.append(f"{request.failure} {request.url}"))
        page.on("response", lambda r: seen.failures.append(f"{r.status} {r.url}") if r.status >= 400 else None)
        page.on("console", lambda message: seen.errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: seen.errors.append(str(error)))
        page.goto(f"{address}{name}.html")
        seen.wide = page.evaluate(LOOK_JS)
        page.set_viewport_size({"width": 390, "height": 844})
        seen.narrow = page.evaluate(LOOK_JS)
        page.emulate_media(color_scheme="dark")
        seen.dark = page.evaluate(LOOK_JS)
        context.close()
        return seen

    return visited
