"""Every page of the built book, in a browser without a network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import yaml
from bs4 import BeautifulSoup

from .conftest import ROOT, Visit, is_notebook, toc_pages

VisitPage = Callable[[str], Visit]
LOCAL = ("data:", "blob:", "about:")


def test_no_request_leaves_the_machine(visit: VisitPage, address: str, page_name: str) -> None:
    assert [url for url in visit(page_name).requests if not url.startswith((address, *LOCAL))] == []


def test_nothing_fails_to_load(visit: VisitPage, page_name: str) -> None:
    assert visit(page_name).failures == []


def test_no_script_reports_an_error(visit: VisitPage, page_name: str) -> None:
    assert visit(page_name).errors == []


def test_every_formula_is_typeset(visit: VisitPage, page_name: str) -> None:
    look = visit(page_name).wide
    assert (look["mathRendered"], look["mathErrors"]) == (look["math"], 0)


def test_every_image_loads_and_has_alt_text(visit: VisitPage, page_name: str) -> None:
    look = visit(page_name).wide
    assert (look["broken"], look["noAlt"]) == ([], [])


@pytest.mark.parametrize(("screen", "width"), [("wide", 1280), ("narrow", 390)])
def test_page_is_not_wider_than_the_screen(visit: VisitPage, page_name: str, screen: str, width: int) -> None:
    look = getattr(visit(page_name), screen)
    assert (look["width"] <= width, look["tooWide"]) == (True, [])


@pytest.mark.parametrize(("screen", "theme"), [("wide", "light"), ("narrow", "light"), ("dark", "dark")])
def test_text_is_readable(visit: VisitPage, page_name: str, screen: str, theme: str) -> None:
    look = getattr(visit(page_name), screen)
    assert look["theme"] == theme
    assert look["hardToRead"] == []
    assert look["smallestText"] >= 12


def test_notebook_page_offers_binder_hub_and_colab(built_book: Path, notebook_name: str) -> None:
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    repository, branch = config["repository"]["url"], config["repository"]["branch"]
    owner, project = repository.split("/")[-2:]
    launch, path = config["launch_buttons"], f"{notebook_name}.ipynb"
    page = BeautifulSoup((built_book / f"{notebook_name}.html").read_text(encoding="utf-8"), "html.parser")
    links = [unquote(link["href"]) for link in page.select(".dropdown-launch-buttons a")]
    assert links == [
        f"{launch['binderhub_url']}/v2/gh/{owner}/{project}/{branch}?urlpath=lab/tree/{path}",
        f"{launch['jupyterhub_url']}/hub/user-redirect/git-pull"
        f"?repo={repository}&urlpath=lab/tree/{project}/{path}&branch={branch}",
        f"{launch['colab_url']}/github/{owner}/{project}/blob/{branch}/{path}",
    ]


def test_search_finds_the_page_that_holds_a_word(open_page: Callable[..., Any], address: str) -> None:
    page = open_page()
    page.goto(f"{address}search.html?q=roofline")
    page.wait_for_selector("#search-results li a")
    found = page.locator("#search-results li a").evaluate_all("links => links.map(l => l.href)")
    assert any("chapters/gpus/index.html" in link for link in found), found


def test_search_finds_nothing_for_a_word_that_no_page_holds(open_page: Callable[..., Any], address: str) -> None:
    page = open_page()
    page.goto(f"{address}search.html?q=xylophonist")
    page.wait_for_selector("#search-results .search-summary")
    page.wait_for_function(
        "!document.querySelector('#search-results .search-summary').textContent.includes('Preparing')"
    )
    assert page.locator("#search-results li a").count() == 0


def test_citation_leads_to_its_entry_in_the_references(open_page: Callable[..., Any], address: str) -> None:
    page = open_page()
    page.goto(f"{address}chapters/cnns/index.html")
    page.locator("article a[href*='references.html#']").first.click()
    page.wait_for_url("**/references.html#*")
    entry = page.locator(f"[id='{page.url.split('#')[1]}']")
    assert entry.count() == 1
    assert "LeCun" in (entry.text_content() or "")


def test_root_leads_to_the_welcome_page(open_page: Callable[..., Any], address: str) -> None:
    page = open_page()
    page.goto(address)
    page.wait_for_url("**/chapters/welcome.html")
    assert page.locator("article h1").count() == 1


def test_every_page_is_linked_from_the_sidebar_of_the_welcome_page(open_page: Callable[..., Any], address: str) -> None:
    page = open_page()
    page.goto(f"{address}chapters/welcome.html")
    links = page.locator("nav.bd-links a").evaluate_all("links => links.map(l => l.href.split('#')[0])")
    missing = [name for name in toc_pages()[1:] if f"{address}{name}.html" not in links]
    assert missing == []


def test_menu_opens_at_phone_width(open_page: Callable[..., Any], address: str) -> None:
    page = open_page(390)
    page.goto(f"{address}chapters/welcome.html")
    link = page.locator("nav.bd-links a", has_text="References")
    assert not link.is_visible()
    page.locator("button.primary-toggle:visible").click()
    link.wait_for(state="visible", timeout=3000)


def test_pages_and_search_work_from_a_file(open_page: Callable[..., Any], built_book: Path) -> None:
    with_outputs = next(name for name in toc_pages() if is_notebook(name))
    for target in (f"{with_outputs}.html", "search.html?q=roofline"):
        page = open_page()
        requests: list[str] = []
        errors: list[str] = []
        page.on("request", lambda request, seen=requests: seen.append(request.url))
        page.on("pageerror", lambda error, seen=errors: seen.append(str(error)))
        page.goto(f"{built_book.as_uri()}/{target}", wait_until="networkidle")
        assert [url for url in requests if not url.startswith(("file:", *LOCAL))] == []
        # From a file, Chromium lets no page read another: the results of a search show no extract.
        assert [error for error in errors if error != "Failed to fetch" or not target.startswith("search")] == []
        if target.startswith("search"):
            page.wait_for_selector("#search-results li a")
        else:
            assert page.locator("article h1").count() == 1
