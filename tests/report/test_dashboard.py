"""The dashboard: one offline file of released rows, its scripts known by hash, no eval, seen by the audit."""

import base64
import hashlib
import json
import re

import numpy as np
import pandas as pd
import pytest

from pcref_analysis.disclosure import release_tables
from pcref_analysis.publish import audit_command
from pcref_analysis.report import pipeline
from pcref_analysis.report.pages import dashboard, main_points
from pcref_analysis.store import csv_text
from pcref_analysis.vocabulary import indicators, parameters

GIVEN = parameters.load("demo")
LEVELS = pd.DataFrame(
    {
        "indicator": "detentions", "indicator_name": "Detentions", "period": ["2022-23", "2023-24", "2023-24"],
        "ethnic_group": ["Mixed", "Mixed", "</script><b>x"], "comparator": None, "adjustment": ["crude"] * 3,
        "measure": "rate", "unit": "per 100,000", "estimate": [100.5, 90.0, np.nan], "lower": [80.0, 70.0, np.nan],
        "upper": [120.0, 110.0, np.nan], "level": 0.95, "events": [50.0, 45.0, np.nan], "at_risk": [5000.0] * 3,
        "status": ["shown", "shown", "suppressed"],
    }
)  # fmt: skip
GAPS = LEVELS.assign(
    measure="ratio", comparator="White", unit="ratio", estimate=[1.5, 1.2, np.nan], lower=[1.1, 0.9, np.nan],
    upper=[2.0, 1.6, np.nan], rounded_to=[np.nan, 0.5, np.nan],
)  # fmt: skip


def record(frame, name):
    return {"id": name, "kind": "table", "title": name, "csv": csv_text.to_csv(frame)}


RECORDS = [record(LEVELS, "experience-levels"), record(GAPS, "experience-gaps"), record(pd.DataFrame({"a": [1]}), "x")]


@pytest.fixture(scope="module")
def page():
    points = main_points.of([], GIVEN)
    return dashboard.html(
        RECORDS, points, [{"file": "index.html", "short": "In short"}], pipeline.about(GIVEN), "White"
    )


def test_it_holds_each_released_row_once_with_its_status_and_no_count(page):
    held = dashboard.embedded(page)
    assert len(held) == 6 and set(held["measure"]) == {"level", "ratio"} and set(held["domain"]) == {"Experience"}
    assert held.loc[held["estimate"].isna(), "status"].tolist() == ["suppressed", "suppressed"]
    assert held["rounded_to"].dropna().tolist() == [0.5]
    assert not {"events", "at_risk"} & set(held)


def test_its_policy_lets_its_own_scripts_run_by_their_hashes_and_nothing_else(page):
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)[1].replace("&#39;", "'")
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    assert len(scripts) == 2 and "unsafe" not in policy and "default-src 'none'" in policy
    for script in scripts:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert "ast: true" in scripts[1] and not re.search(r"\b(eval|Function|innerHTML|document\.write)\b", scripts[1])


def test_it_says_who_signed():
    about = pipeline.about(GIVEN) | {"sign_off": "Signed off by Ann Analyst."}
    made = dashboard.html(RECORDS, main_points.of([], GIVEN), [], about, "White")
    assert "Signed off by Ann Analyst." in made


def test_it_is_one_small_file_that_loads_nothing(page):
    assert len(page.encode()) < 3_000_000
    assert not re.search(r'\b(src|srcset|data)="(?!#)', page.replace(dashboard.library(), ""))
    links = re.findall(r'href="([^"]*)"', page.replace(dashboard.library(), ""))
    assert all(not link.startswith(("http", "//")) for link in links)


def test_a_name_that_looks_like_markup_stays_a_name(page):
    data = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert len(data) == 1 and "<" not in data[0]
    assert "</script><b>x" in json.loads(data[0])["words"]["ethnic_group"]
    assert "<b>x" not in page


def test_every_chart_is_valid_vega_lite_without_expressions(page):
    specs = json.loads(dashboard.DATA.search(page)[1])["specs"]
    assert set(specs) == {"level_groups", "level_years", "ratio_groups", "ratio_years"}
    assert "expr" not in json.dumps(specs) and '"calculate"' not in json.dumps(specs)


def test_the_audit_finds_a_row_that_was_not_released(page, tmp_path):
    tables = [release_tables.derive(lambda _, frame=frame: frame, _released(), name=name)
              for name, frame in (("levels", LEVELS), ("gaps", GAPS))]  # fmt: skip
    (tmp_path / dashboard.FILE).write_text(page, encoding="utf-8")
    assert audit_command._dashboard_rows(tmp_path, tables) == 0
    (tmp_path / dashboard.FILE).write_text(page.replace("100.5", "101.5"), encoding="utf-8")
    assert audit_command._dashboard_rows(tmp_path, tables) == 1


def test_rows_of_an_indicator_that_the_readers_catalogue_lacks_are_no_strangers(page, monkeypatch):
    mine = {key: entry for key, entry in indicators.catalogue().items() if key not in set(LEVELS["indicator"])}
    monkeypatch.setattr(indicators, "catalogue", lambda: mine)
    assert dashboard.strangers(page, RECORDS) == 0


def test_a_target_is_said_and_drawn_and_one_that_was_not_agreed_is_found(tmp_path):
    aims = LEVELS.head(1).assign(target=80.0, way="at most", by="2027-03-31", distance="10 above the target")
    records = [*RECORDS, record(aims, "experience-targets")]
    made = dashboard.html(records, main_points.of([], GIVEN), [], pipeline.about(GIVEN), "White")
    held = json.loads(dashboard.DATA.search(made)[1])["targets"]
    assert held == [{"indicator": "Detentions", "ethnic_group": "Mixed", "target": 80.0, "words":
                     "Mixed: at most 80 per 100,000 by 31 March 2027. Now: 10 above the target."}]  # fmt: skip
    assert dashboard.strangers(made, records) == 0 and dashboard.strangers(made, RECORDS) == 1
    assert dashboard.strangers(made.replace('"target":80.0', '"target":81.0'), records) == 1
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "experience-targets.csv").write_text(csv_text.to_csv(aims), encoding="utf-8")
    (tmp_path / dashboard.FILE).write_text(made, encoding="utf-8")
    tables = [release_tables.derive(lambda _, frame=frame: frame, _released(), name=name)
              for name, frame in (("levels", LEVELS), ("gaps", GAPS))]  # fmt: skip
    assert audit_command._dashboard_rows(tmp_path, tables) == 0


def _released():
    return release_tables.release(pd.DataFrame({"ethnic_group": ["White", "Mixed"], "events": [200, 100]}), "mhsds")


def test_the_same_tables_make_the_same_file(page):
    again = dashboard.html(RECORDS, main_points.of([], GIVEN), [{"file": "index.html", "short": "In short"}],
                           pipeline.about(GIVEN), "White")  # fmt: skip
    assert again == page
