"""The dashboard in a real browser: controls, addresses, downloads, hidden and empty states, the keyboard alone.

Speaks with Chromium through its own DevTools protocol, so that no driver has to be installed.
"""

import itertools
import json
import os
import re
import shutil
import subprocess
import time

import numpy as np
import pandas as pd
import pytest

from pcref_analysis.report import pipeline
from pcref_analysis.report.pages import dashboard, main_points
from pcref_analysis.store import csv_text
from pcref_analysis.vocabulary import parameters

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")
BROWSER = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
pytestmark = [
    pytest.mark.skipif(not os.environ.get("PCREF_EVERY_CASE"), reason="takes long: set PCREF_EVERY_CASE=1"),
    pytest.mark.skipif(
        bool(os.environ.get("PCREF_EVERY_CASE")) and not BROWSER,
        reason="no Chromium is installed (its path may stand in CHROMIUM)",
    ),
]


class Tab:
    """One page in Chromium: run a script in it, press keys, and know what it complained of."""

    def __init__(self, folder, address):
        import websocket

        options = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--remote-debugging-port=0",
            "--remote-allow-origins=*",
        ]
        self.process = subprocess.Popen(
            [BROWSER, *options, f"--user-data-dir={folder / 'own'}", "about:blank"], stderr=subprocess.PIPE, text=True
        )
        found = next(m for line in self.process.stderr if (m := re.search(r"DevTools listening on (ws://\S+)", line)))
        self.numbers, self.complaints = itertools.count(1), []
        self.socket = websocket.create_connection(found[1], timeout=60)
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")
        self.send("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder))
        self.open(address)

    session = None

    def send(self, method, **given):
        number = next(self.numbers)
        within = {"sessionId": self.session} if self.session and not method.startswith(("Browser", "Target")) else {}
        self.socket.send(json.dumps({"id": number, "method": method, "params": given} | within))
        while True:
            said = json.loads(self.socket.recv())
            kind, facts = said.get("method", ""), said.get("params", {})
            if kind in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"):
                self.complaints.append(facts)
            if kind == "Network.requestWillBeSent" and not re.match("(file|data|blob):", facts["request"]["url"]):
                self.complaints.append(facts["request"]["url"])
            if said.get("id") == number:
                assert "error" not in said, said
                return said["result"]

    def open(self, address):
        self.send("Page.navigate", url="about:blank")
        self.send("Page.navigate", url=address)
        self.wait("document.readyState === 'complete' && !!document.querySelector('#said')?.textContent")

    def run(self, script):
        found = self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def wait(self, script):
        until = time.monotonic() + 30
        while not self.run(script):
            assert time.monotonic() < until, script
            time.sleep(0.05)

    def choose(self, name, value):
        """Choose as a mouse does: set the value, then say that it changed."""
        self.run(f"{{const s = document.getElementById({name!r}); s.value = {value!r};"
                 "s.dispatchEvent(new Event('change', {bubbles: true}));}")  # fmt: skip

    def press(self, key, code):
        for kind in ("keyDown", "keyUp"):
            text = {"text": key} if len(key) == 1 and kind == "keyDown" else {}
            self.send("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **text)

    def close(self):
        self.send("Browser.close")
        self.process.wait(30)


def record(frame, name):
    return {"id": name, "kind": "table", "title": name, "csv": csv_text.to_csv(frame)}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    rows = [
        (indicator, name, year, group, "crude", "rate", "per 100,000", value)
        for indicator, name in (("detentions", "Detentions"), ("admissions", "Admissions"))
        for year in ("2022-23", "2023-24")
        for group, value in (("White", 80.0), ("Mixed", 90.5), ("Asian or Asian British", np.nan))
    ]
    columns = ["indicator", "indicator_name", "period", "ethnic_group", "adjustment", "measure", "unit", "estimate"]
    levels = pd.DataFrame(rows, columns=columns)
    levels.loc[levels["indicator"].eq("admissions"), "estimate"] = np.nan
    levels = levels.assign(comparator=None, lower=levels["estimate"] - 10, upper=levels["estimate"] + 10)
    levels["status"] = levels["estimate"].isna().map({True: "suppressed", False: "shown"})
    gaps = levels[levels["ethnic_group"].ne("White")].assign(measure="ratio", comparator="White", unit="ratio")
    gaps[["estimate", "lower", "upper"]] /= 50
    shown = {
        "domain": "Experience",
        "indicator": "Detentions",
        "measure": "ratio",
        "comparator": "White",
        "year": "2023-24",
    }
    given = parameters.load("demo")
    point = main_points.Point("Detentions: Mixed", "w", "t", "Firm", "y", "d", shown=shown)
    points = main_points.MainPoints("Agreed", "", "", (point,), 0, "", "", (), (), True)
    folder = tmp_path_factory.mktemp("dashboard")
    aim = {"indicator_name": "Detentions", "ethnic_group": "Mixed", "unit": "per 100,000", "target": 60.0}
    aims = pd.DataFrame([aim | {"way": "at most", "by": "2027-03-31", "distance": "30.5 above the target"}])
    parts = {"experience-levels": levels, "experience-gaps": gaps, "experience-targets": aims}
    html = dashboard.html([record(frame, name) for name, frame in parts.items()], points, [],
                          pipeline.about(given), "White")  # fmt: skip
    (folder / dashboard.FILE).write_text(html, encoding="utf-8")
    return folder


@pytest.fixture
def tab(place, tmp_path):
    opened = Tab(tmp_path, (place / dashboard.FILE).as_uri())
    yield opened
    opened.close()


def test_a_reader_chooses_passes_on_and_takes_away_what_is_shown(tab, place, tmp_path):
    value = "document.getElementById('{}').value"
    title, rows = "document.getElementById('title').textContent", "document.getElementById('rows').textContent"
    hidden = "document.getElementById('targets')"
    aims = f"{hidden}.textContent"
    assert tab.run(title) == "Detentions: ratio to White, before adjustment"  # it opens with what comes first
    assert tab.run(f"{hidden}.hidden")
    tab.wait("!!document.querySelector('#by-group svg')")
    assert "ratio to White" in tab.run("document.querySelector('#by-group svg').textContent")
    assert "1.81 (1.61 to 2.01)" in tab.run(rows) and "[c]" in tab.run(rows)
    assert tab.run("document.getElementById('said').textContent").startswith("4 figures, 2 of them suppressed")

    tab.choose("measure", "level")
    tab.wait("/per 100,000/.test(document.querySelector('#by-group svg')?.textContent)")
    assert "at most 60 per 100,000 by 31 March 2027. Now: 30.5" in tab.run(aims) and not tab.run(f"{hidden}.hidden")
    key = tab.run("document.querySelector('#over-time svg').textContent")  # nobody whose figures are not drawn
    assert "Mixed" in key and "Asian" not in key
    tab.run("document.querySelector('#groups input[value=White]').click()")
    assert "White" not in tab.run(rows) and "90.5 (80.5 to 100.5)" in tab.run(rows)
    address = tab.run("location.href")
    assert "measure=level" in address and "groups=Mixed" in address

    tab.open(address)  # the address holds the state
    assert tab.run(value.format("measure")) == "level" and "White" not in tab.run(rows)
    assert tab.run("[...document.querySelectorAll('#groups input:checked')].map((b) => b.value)").count("White") == 0

    tab.wait("!!document.querySelector('#by-group svg')")
    tab.run("document.getElementById('csv').click(); document.getElementById('svg').click()")
    until = time.monotonic() + 30
    while not all((tmp_path / name).is_file() for name in ("figures.csv", "figure.svg")):
        assert time.monotonic() < until, "nothing was downloaded"
        time.sleep(0.1)
    saved = pd.read_csv(tmp_path / "figures.csv")
    assert set(saved["ethnic_group"]) == {"Mixed", "Asian or Asian British"} and set(saved["measure"]) == {"level"}
    assert (tmp_path / "figure.svg").read_text(encoding="utf-8").startswith("<svg")

    tab.choose("domain", "Other")  # all of it is suppressed: said, not drawn, no picture to save
    assert tab.run("document.getElementById('by-group').textContent").startswith("There is nothing to draw")
    assert "[c]" in tab.run(rows) and "(" not in tab.run(rows)
    assert tab.run("document.getElementById('svg').disabled")
    tab.run("for (const box of document.querySelectorAll('#groups input:checked')) box.click()")  # nobody is chosen
    assert tab.run(rows) == "" and tab.run("document.getElementById('said').textContent").startswith("0 figures")

    tab.run("document.querySelector('main ol a').click()")  # an item of the list leads to its figures
    tab.wait("document.activeElement.id === 'title'")
    assert tab.run(title).startswith("Detentions: ratio")
    assert tab.complaints == []


def test_everything_is_reached_by_the_keyboard_alone(tab):
    order = []
    for _ in range(24):
        tab.press("Tab", 9)
        order.append(
            tab.run("document.activeElement.id || document.activeElement.value || document.activeElement.tagName")
        )
    wanted = ["domain", "indicator", "measure", "comparator", "adjustment", "year"]
    seen = [name for name in order if name in wanted]
    disabled = [name for name in wanted if tab.run(f"document.getElementById({name!r}).disabled")]
    assert seen[: len(wanted) - len(disabled)] == [name for name in wanted if name not in disabled]
    assert order.index("csv") < order.index("svg") < order.index("SUMMARY") < order.index("A", order.index("SUMMARY"))

    tab.run("document.getElementById('measure').focus()")
    tab.press("l", 76)  # typing in a list chooses
    tab.wait("document.getElementById('title').textContent.includes('per 100,000')")
    tab.run("document.querySelector('#groups input').focus()")
    tab.press(" ", 32)
    tab.wait("!document.querySelector('#groups input').checked")
    tab.run("document.querySelector('summary').focus()")
    tab.press(" ", 32)
    tab.wait("document.querySelector('details').open")
    ring = tab.run("getComputedStyle(document.activeElement).outlineWidth")
    assert float(ring.removesuffix("px")) >= 2 and tab.complaints == []
