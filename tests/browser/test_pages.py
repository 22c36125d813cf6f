"""The dashboard in a real browser, as people use it."""

from __future__ import annotations

import duckdb
import pytest
from axe_playwright_python.sync_playwright import Axe

from pipelines.cli import main

PAGES = ("overview", "orders", "time", "stages", "wip", "inbound", "stow", "carriers", "quality", "explorer")


def ask(facts, sql):
    with duckdb.connect(str(facts / "warehouse.duckdb"), read_only=True) as con:
        con.execute("SET TimeZone = 'UTC'")
        return con.execute(sql).fetchall()


def tile(page, key):
    return page.locator(f"[data-tile={key}] .value").inner_text()


def number(page, key):
    return int(tile(page, key).replace(",", ""))


@pytest.mark.parametrize("path", PAGES)
def test_every_page_shows_its_charts_and_tables(opened, url, path):
    page = opened()
    page.goto(f"{url}/{path}")
    assert page.locator("h1").count() == 1
    assert page.locator("nav a[aria-current=page]").count() == 1
    if path != "explorer":
        assert page.locator("main svg.chart:visible").count() >= (2 if path in ("overview", "orders", "wip") else 1)
        assert page.locator(".tile").count() >= 3
        assert page.locator(".tile .value", has_text="NaN").count() == 0


@pytest.mark.parametrize("path", [*PAGES, "explore an order"])
def test_a_phone_shows_every_page_without_scrolling_sideways(opened, url, facts, path):
    page = opened(375, 800)
    if path == "explore an order":
        ((number_,),) = ask(facts, "SELECT tenant_order_id FROM order_flow ORDER BY event_count DESC LIMIT 1")
        path = f"explorer?q={number_}"
    page.goto(f"{url}/{path}")
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    for chart in page.locator("main svg.chart:visible").all():
        words = chart.locator("text").first
        assert words.bounding_box()["height"] >= 9  # readable: drawn for the width, not scaled down to it


def test_filters_change_the_numbers_and_live_in_the_address(opened, url, facts):
    page = opened()
    page.goto(f"{url}/overview")
    everything = number(page, "orders")
    assert everything == ask(facts, "SELECT count(*) FROM order_flow")[0][0]
    page.locator("select[name=outcome]").select_option("cancelled")
    page.wait_for_url("**outcome=cancelled**")
    cancelled = number(page, "orders")
    assert cancelled == ask(facts, "SELECT count(*) FROM order_flow WHERE outcome = 'cancelled'")[0][0]
    assert 0 < cancelled < everything
    page.locator("input[name=from]").fill("2026-06-02")
    page.wait_for_url("**from=2026-06-02**")
    ((fewer,),) = ask(
        facts, "SELECT count(*) FROM order_flow WHERE outcome = 'cancelled' AND started_at >= '2026-06-02'"
    )
    assert number(page, "orders") == fewer
    address = page.url
    page.reload()
    assert page.url == address
    assert number(page, "orders") == fewer
    assert page.locator("select[name=outcome]").input_value() == "cancelled"
    page.get_by_role("link", name="Orders", exact=True).click()
    page.wait_for_url("**/orders?**outcome=cancelled**")
    assert number(page, "orders") == fewer
    page.go_back()
    assert number(page, "orders") == fewer
    page.get_by_role("link", name="Reset").click()
    page.wait_for_url(f"{url}/overview")
    assert number(page, "orders") == everything


def test_the_slider_goes_back_in_time(opened, url, facts):
    page = opened()
    page.goto(f"{url}/wip?from=2026-06-01")
    slider = page.get_by_role("slider")
    slider.focus()
    for _ in range(30):
        page.keyboard.press("ArrowLeft")
    page.wait_for_url("**at=**")
    at = page.url.split("at=")[1].split("&")[0].replace("%3A", ":")
    ((there,),) = ask(
        facts,
        f"SELECT count(*) FROM flow_interval WHERE flow = 'order' AND started_at <= '{at}' "
        f"AND (ended_at IS NULL OR ended_at > '{at}')",
    )
    assert number(page, "wip") == there
    words = page.locator("#slider-words")
    assert at.replace("T", " ").replace("Z", "") in words.get_attribute("title")
    assert page.locator("#slider").evaluate("e => e === document.activeElement")


def test_the_explorer_explains_an_order(opened, url, facts):
    ((order, flow_id, seconds),) = ask(
        facts,
        "SELECT tenant_order_id, flow_id, order_cycle_seconds FROM order_flow WHERE outcome = 'fulfilled' AND "
        "tenant_order_id IS NOT NULL AND list_contains(deviations, 'pause') ORDER BY flow_id LIMIT 1",
    )
    page = opened()
    page.goto(f"{url}/overview")
    page.get_by_label("Find an order").fill(order)
    page.keyboard.press("Enter")
    page.wait_for_url("**/explorer?q=**")
    assert order in page.locator("h1").inner_text()
    assert page.locator("[data-panel=odd]").get_by_text("pause", exact=True).count() == 1
    events = ask(facts, f"SELECT event_name, source FROM flow_event WHERE flow_id = '{flow_id}' ORDER BY event_at")
    rows = page.locator("[data-panel=events] tbody tr")
    assert rows.count() == len(events)
    assert {events[0][1], events[-1][1]} <= set(rows.locator("td:last-child").all_inner_texts())
    cycle = page.locator("[data-measure=order_cycle_seconds]")
    assert cycle.locator("b").get_attribute("title") == f"{seconds:.6f} s"
    assert "ORDER_CREATED" in cycle.locator("td").nth(3).inner_text()
    assert "HANDOVERJOB_HANDED_OVER" in cycle.locator("td").nth(4).inner_text()
    intervals = ask(facts, f"SELECT count(*) FROM flow_interval WHERE flow_id = '{flow_id}'")[0][0]
    legs = ask(facts, f"SELECT count(*) FROM order_leg WHERE flow_id = '{flow_id}'")[0][0]
    assert page.locator("[data-panel=timeline] svg.full rect").count() == intervals + legs
    assert page.locator("[data-panel=timeline] svg.full .mark").count() == len(events)
    time = page.locator("[data-panel=events] time").first
    assert time.get_attribute("title").endswith("UTC")
    assert time.inner_text() not in time.get_attribute("title")  # local, two hours on in June
    cycle.locator("a.ref").first.click()
    assert "#e" in page.url


def test_the_explorer_links_from_a_table_and_says_when_it_finds_nothing(opened, url):
    page = opened()
    page.goto(f"{url}/orders")
    link = page.locator("[data-panel=list] td a").first
    order = link.inner_text()
    link.click()
    page.wait_for_url("**/explorer?q=**")
    assert order in page.locator("h1").inner_text()


def test_the_keyboard_reaches_everything(opened, url):
    page = opened()
    page.goto(f"{url}/stages")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    names = []
    for _ in range(60):
        page.keyboard.press("Tab")
        names.append(
            page.evaluate(
                "document.activeElement.name || document.activeElement.innerText || document.activeElement.tagName"
            )
        )
    for name in ("q", "from", "to", "facility", "channel", "outcome", "flow", "stage", "Apply", "Overview", "CSV"):
        assert name in names, name
    page.locator("select[name=flow]").focus()
    page.keyboard.press("i")  # inbound
    page.wait_for_url("**flow=inbound**")
    assert page.locator("select[name=stage]").input_value() in ("receipt", "receipt_queue", "hold")
    outline = page.evaluate(
        "(e => { e.focus(); return getComputedStyle(e).outlineStyle })(document.querySelector('#filters button'))"
    )
    assert outline != "none"


def test_a_table_can_be_downloaded(opened, url, facts, tmp_path):
    page = opened()
    page.goto(f"{url}/orders?from=2026-06-01")
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download Longest orders as CSV").click()
    file = tmp_path / "orders.csv"
    waiting.value.save_as(file)
    assert waiting.value.suggested_filename.startswith("orders-list-2026-06-01")
    ((orders,),) = ask(facts, "SELECT count(*) FROM order_flow")
    assert len(file.read_text().splitlines()) == orders + 1


@pytest.mark.parametrize(
    "bad", ["' OR 1=1 --", '"; DROP TABLE order_flow;', "../../etc/passwd", "<img src=x onerror=alert(1)>", "x" * 190]
)
def test_hostile_words_in_the_box_are_words(browser, url, bad):
    context = browser.new_context()
    page = context.new_page()
    alerts = []
    page.on("dialog", lambda d: (alerts.append(d.message), d.dismiss()))
    page.goto(f"{url}/explorer")
    page.get_by_label("Find an order").fill(bad)
    page.keyboard.press("Enter")
    page.wait_for_url("**q=**")
    assert "Nothing answers" in page.locator("h1").inner_text()
    assert page.get_by_label("Find an order").input_value() == bad
    assert page.locator("main img").count() == 0
    page.goto(f"{url}/overview")
    assert number(page, "orders") > 0
    assert alerts == []
    context.close()


def test_an_empty_selection_says_so(opened, url, facts):
    ((day,),) = ask(facts, "SELECT min(started_at)::DATE FROM order_flow")
    page = opened()
    ((facility,),) = ask(facts, "SELECT facility_ref FROM order_flow WHERE facility_ref IS NOT NULL ORDER BY 1 LIMIT 1")
    page.goto(f"{url}/overview?from={day}&to={day}&facility={facility}&channel=MIXED&outcome=incomplete")
    assert page.get_by_role("heading", name="Nothing in this selection").is_visible()
    assert page.get_by_role("link", name="reset the filters").is_visible()


def test_without_scripts_the_apply_button_does_it(browser, url):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{url}/overview")
    everything = number(page, "orders")
    page.locator("select[name=outcome]").select_option("open")
    page.get_by_role("button", name="Apply").click()
    assert number(page, "orders") < everything
    context.close()


def test_a_report_opens_from_a_file_and_fits_a_phone(browser, facts, tmp_path):
    to = tmp_path / "report.html"
    assert main(["report", "--output", str(to), "--warehouse", str(facts)]) == 0
    for width in (1400, 375):
        page = browser.new_context(viewport={"width": width, "height": 900}).new_page()
        complaints, asked = [], []
        page.on("console", lambda m, found=complaints: found.append(m.text))
        page.on("request", lambda r, found=asked: found.append(r.url))
        page.goto(to.as_uri())
        assert page.locator("svg.chart:visible").count() > 10
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert number(page.locator("main"), "orders") == ask(facts, "SELECT count(*) FROM order_flow")[0][0]
        assert complaints == []
        assert asked == [to.as_uri()]
        page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_rules_of_accessibility_hold(opened, url, facts, scheme):
    ((order,),) = ask(facts, "SELECT tenant_order_id FROM order_flow ORDER BY event_count DESC LIMIT 1")
    page = opened(color_scheme=scheme)
    found = []
    for path in (*PAGES, f"explorer?q={order}"):
        page.goto(f"{url}/{path}")
        for broken in Axe().run(page).response["violations"]:
            found.append((path, broken["id"], broken["nodes"][0]["html"][:100]))
    assert found == []


def test_a_page_that_takes_its_time_says_so(opened, url):
    page = opened()
    page.goto(f"{url}/overview")
    page.evaluate("""() => new MutationObserver(() => sessionStorage.setItem("busy", document.body.ariaBusy))
        .observe(document.body, { attributes: true })""")
    page.locator("select[name=outcome]").select_option("open")
    page.wait_for_url("**outcome=open**")
    assert page.evaluate("sessionStorage.getItem('busy')") == "true"
    assert page.locator("body").get_attribute("aria-busy") is None


def test_the_colours_are_told_apart_with_any_colour_vision(opened, url):
    # Okabe and Ito chose their colours for it; two neighbours of a stack must differ in brightness, too.
    page = opened()
    page.goto(f"{url}/overview")
    style = "e => getComputedStyle(document.documentElement).getPropertyValue(e).trim()"
    palette = [page.evaluate(style, f"--c{n}").lower() for n in range(7)]
    assert palette == ["#0072b2", "#e69f00", "#009e73", "#56b4e9", "#d55e00", "#cc79a7", "#f0e442"]
