"""From the first command to the second edition, as README and docs/extract.md tell it, by the command line alone."""

from __future__ import annotations

import datetime
import os
import re
import shutil
import subprocess
import sys
from io import StringIO
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

import pcref_analysis as pcref

# Two reports and a signed publication: some eight minutes of processor time, more than one run of CI may take for it.
pytestmark = pytest.mark.skipif(
    not os.environ.get("PCREF_EVERY_CASE"), reason="takes long: set PCREF_EVERY_CASE=1 to go the whole way"
)
ROOT = Path(__file__).resolve().parents[2]
YEARS = ["2022-23", "2023-24"]
PERIOD = YEARS[-1]
BLACK = "Black or Black British"
TABLES = (  # what the eight figures need, and no more: a report's time grows with its indicators, not with its rows
    "MHS001MPI",
    "MHS101Referral",
    "MHS401MHActPeriod",
    "MHS404CommTreatOrder",
    "MHS501HospProvSpell",
    "MHS502WardStay",
    "Experience",
)
SIGNED = """
edition: "{edition}"
signed:
  - {{name: Ann Analyst, role: Lead analyst, date: "{day}", checked: Figures against the Trust's own}}
  - {{name: Gita Guardian, role: Caldicott guardian, date: "{day}", checked: Small numbers}}
"""


class Home:
    """A private copy of the project: its notebooks, a Trust's extract, and the command."""

    def __init__(self, folder: Path, open_data: Path) -> None:
        self.folder = folder
        shutil.copytree(ROOT / "notebooks", folder / "notebooks", ignore=shutil.ignore_patterns("*.yml"))
        words = {"PCREF_HOME": folder, "PCREF_OPEN_DATA": open_data, "PYTHONPATH": ROOT, "PYTHONIOENCODING": "utf-8"}
        self.environment = os.environ | {name: str(value) for name, value in words.items()}

    def run(self, *words: str, expected: int = 0) -> str:
        """Run ``pcref`` and return what it says; its exit status must be the expected."""
        command = [sys.executable, "-m", "pcref_analysis", *words]
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, encoding="utf-8", timeout=1800
        )
        said = f"{done.stdout}\n{done.stderr}"
        assert done.returncode == expected, f"pcref {' '.join(words)} ends with {done.returncode}:\n{said}"
        assert "Traceback" not in said, said
        return said

    def write(self, name: str, words: dict | str) -> Path:
        path = self.folder / "notebooks" / "parameters" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = words if isinstance(words, str) else yaml.safe_dump(words, sort_keys=False, allow_unicode=True)
        path.write_text(text, encoding="utf-8")
        return path

    def published(self, table: str) -> pd.DataFrame:
        """Return a released table as a reader has it, every value as text."""
        return pd.read_csv(self.folder / "reports" / "ours" / "released" / f"{table}.csv", dtype="str")

    def confidential(self, indicator: str) -> pd.DataFrame:
        """Return levels and ratios of an indicator as a notebook works them out, before disclosure control."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PCREF_HOME", str(self.folder))
            study = pcref.study("ours")
            cells = study.cells()
        cells = cells[cells["indicator"] == indicator]
        standardised = pcref.standardised(cells, standard=study.standard, over=["age_band", "sex"], level=study.level)
        gaps = pcref.ladder(cells, comparator="White", steps=pcref.STEPS, level=study.level)
        return pd.concat([pcref.crude(cells, level=study.level), standardised, gaps], ignore_index=True)


@pytest.fixture(scope="module")
def way(trust, rows, open_data, tmp_path_factory):
    """Go the whole way, and return the home with what each command said."""
    home = Home(tmp_path_factory.mktemp("home"), open_data)
    said = {"templates": home.run("templates")}
    raw = home.folder / "data" / "raw" / "ours"
    export = trust.messy({name: rows[name] for name in TABLES})
    trust.write_folder(export, raw, dashes=True)
    where = trust.source("folder", "data/raw/ours", names=TABLES)
    asked = trust.parameters("ours", where, YEARS[0], YEARS[:1])
    home.write("ours.yml", asked)
    said["dashes"] = home.run("check", "--run", "ours", expected=2)  # exported in a way that cannot be read
    trust.write_folder(export, raw)
    asked["source"] = _filled_template(trust, rows, home, raw, where)
    home.write("ours.yml", asked)
    said["check"] = home.run("check", "--run", "ours")
    said |= _edition(home, "first")
    shutil.copytree(home.folder / "reports" / "ours", home.folder / "reports" / "ours-2022-23")
    home.write(
        "ours.yml", asked | {"period": YEARS[1], "periods": YEARS, "previous": "reports/ours-2022-23", "edition": 2}
    )
    said |= _edition(home, "second", "--previous", "reports/ours-2022-23")
    said["against"] = home.run("priorities", "ours", "--against", "reports/ours-2022-23")
    return home, said


def _filled_template(trust, rows, home: Home, raw: Path, where: dict) -> dict:
    """Fill one table's template by hand instead of exporting the table; return the source without it."""
    name = "Experience"
    (raw / f"{trust.LOCAL[name].name}.txt").unlink()
    blank = pd.read_csv(home.folder / "data" / "raw" / "templates" / f"{name}.csv", dtype="str")
    filled = trust.clean(rows)[name].reindex(columns=blank.columns)
    filled.to_csv(raw / f"{name}.csv", index=False, encoding="utf-8-sig")
    return where | {part: {k: v for k, v in where[part].items() if k != name} for part in ("tables", "columns")}


def _edition(home: Home, which: str, *previous: str) -> dict[str, str]:
    """Make, sign, publish, attack and read one edition."""
    said = {"report": home.run("report", "--run", "ours")}
    said["refused"] = home.run("publish", "ours", expected=2)
    edition = re.search(r"a draft, edition (\w+)", said["report"])[1]
    home.write("signed-by/ours.yml", SIGNED.format(edition=edition, day=datetime.date.today()))
    said["publish"] = home.run("publish", "ours")
    said["attack"] = home.run("attack", "reports/ours", *previous)
    said["priorities"] = home.run("priorities", "ours", "--csv", "list.csv")
    ids = sorted(path.stem for path in (home.folder / "reports" / "ours" / "tables").glob("*.csv"))
    said["id"] = next(name for name in ids if "level" in name)
    said["trace"] = home.run("trace", said["id"], "--run", "ours")
    return {f"{which} {step}": words for step, words in said.items()}


def test_every_step_ends_well_and_says_what_the_docs_say(way):
    home, said = way
    assert "templates:" in said["templates"]
    assert "MHA_Periods.txt has a line of dashes" in said["dashes"]
    assert "stops:" not in said["check"] and "made of the census" in said["check"]
    for which in ("first", "second"):
        assert "index.html" in said[f"{which} report"] and "pcref publish ours" in said[f"{which} report"]
        assert "not signed off" in said[f"{which} refused"] or "signs another edition" in said[f"{which} refused"]
        assert "reports/ours/index.html" in said[f"{which} publish"]
        for line in ("page", "notebook", "function", "input"):
            assert re.search(rf"^  {line}", said[f"{which} trace"], re.MULTILINE), said[f"{which} trace"]
    assert not (home.folder / "data" / "processed" / "ours" / "draft").exists()
    pages = [path.read_text(encoding="utf-8") for path in (home.folder / "reports" / "ours").glob("*.html")]
    assert len(pages) >= 8
    for page in pages:
        assert "Ann Analyst" in page and "Gita Guardian" in page and "not signed off" not in page


def test_no_person_stands_in_what_is_published(way, rows):
    home, _said = way
    people = set(rows["MHS001MPI"]["Person_ID"])
    for path in (home.folder / "reports" / "ours").rglob("*"):
        if path.suffix in (".html", ".csv", ".json"):
            assert not people & set(re.findall(r"N4\d{7}", path.read_text(encoding="utf-8"))), path.name


# --- eight figures of the second edition, from the rows ---------------------------------------------------------------


@pytest.fixture(scope="module")
def asked(way, rows, independent, trust, open_data):
    """Return what the independent figures rest on: rows of the year, people, residents, the standard."""
    home, _said = way
    year = int(YEARS[1][:4])
    cells = pd.read_parquet(home.folder / "data" / "processed" / "ours" / "cells.parquet")
    here = cells[(cells["indicator"] == "detentions") & (cells["period"] == YEARS[1]) & (cells["at_risk"] > 0)]
    names = pd.read_csv(StringIO(DETAIL), index_col=0)["group"]
    population = here.assign(ethnic_group=here["ethnic_group"].map(names), residents=here["at_risk"])
    census = pd.read_csv(open_data / "census2021_england_ethnic5_sex_age13.csv")
    ages = census.drop(columns=["area", "ethnic_group5", "all_ages"]).groupby("sex").sum().T
    low = [int(re.match(r"age_(\d+)", name)[1]) for name in ages.index]
    names = [f"{a}-{b - 1}" for a, b in pairwise(independent.BANDS)] + ["65+"]
    bands = np.array(names)[np.searchsorted(independent.BANDS, low, side="right") - 1]
    standard = ages.groupby(bands).sum().rename_axis("age_band").reset_index()
    standard = standard.melt("age_band", var_name="sex", value_name="weight")
    return {
        "year": year,
        "who": independent.persons(rows, open_data, trust.BOARD, year),
        "population": population.groupby(["ethnic_group", *independent.STRATA], as_index=False)["residents"].sum(),
        "standard": standard.set_index(["age_band", "sex"])["weight"],
        "known": independent.residents(open_data, trust.BOARD),
    }


DETAIL = """detail,group
White British,White
White Irish,White
Any other White background,White
White and Black Caribbean,Mixed
White and Black African,Mixed
White and Asian,Mixed
Any other Mixed background,Mixed
Indian,Asian or Asian British
Pakistani,Asian or Asian British
Bangladeshi,Asian or Asian British
Any other Asian background,Asian or Asian British
Caribbean,Black or Black British
African,Black or Black British
Any other Black background,Black or Black British
Chinese,Other ethnic groups
Any other ethnic group,Other ethnic groups
"""


def _figure(home: Home, table: str, indicator: str, group: str, adjustment: str, must_show: bool = False) -> np.ndarray:
    """Return the confidential figure and its limits, after looking at what was published of it."""
    words = "indicator == @indicator and period == @PERIOD and ethnic_group == @group and adjustment == @adjustment"
    kind = "measure == 'ratio'" if table == "gaps" else "measure != 'ratio'"
    found = home.confidential(indicator).query(f"{words} and {kind}")
    assert len(found) == 1
    exact = found[["estimate", "lower", "upper"]].iloc[0].to_numpy(float)
    shown = home.published(table).query(words)
    assert len(shown) == 1
    if must_show or shown["status"].iloc[0] == "shown":
        published = float(shown["estimate"].iloc[0])
        assert abs(published - exact[0]) <= exact[0] * _rounding(found.iloc[0], indicator), f"published {published}"
    return exact


def _rounding(figure: pd.Series, indicator: str) -> float:
    """Return the most by which rounding may change a published figure, as a share of it.

    A crude one is worked out from counts to the nearest 5 and given to three digits; an adjusted one, given coarser, is
    withheld where that would change it by more than a sixth (docs/methods/disclosure.md).
    """
    if figure["adjustment"] != "crude" or figure["measure"] == "mean":
        return 1 / 6
    counted = 2.5 / figure["at_risk"] if indicator != "new_referrals" else 0.0  # residents are public
    return 2.5 / figure["events"] + counted + 0.006


def test_crude_rate(way, rows, asked, independent):
    home, _said = way
    mine = independent.of_year(rows["MHS101Referral"], "ReferralRequestReceivedDate", asked["year"])
    expected = independent.crude_rate(mine, asked["who"], asked["known"][BLACK], BLACK, 100_000)
    np.testing.assert_allclose(
        _figure(home, "levels", "new_referrals", BLACK, "crude", must_show=True), expected, rtol=1e-6
    )


def test_directly_standardised_rate(way, rows, asked, independent):
    home, _said = way
    mine = independent.of_year(independent.detentions(rows), "start", asked["year"])
    parts = asked["who"], asked["population"], asked["standard"], BLACK, 100_000
    expected = independent.standardised_rate(mine, *parts)
    np.testing.assert_allclose(_figure(home, "levels", "detentions", BLACK, "age_sex"), expected, rtol=1e-6)


@pytest.mark.parametrize("group", [BLACK, "Unknown"])  # people whose ethnic group is not known are a group of their own
def test_share_with_limits(way, rows, asked, independent, group):
    home, _said = way
    mine = independent.of_year(rows["Experience"], "ResponseDate", asked["year"]).query("Question != 'COMPLAINT'")
    expected = independent.share(mine, mine["Positive"] == "Y", asked["who"], group)
    np.testing.assert_allclose(_figure(home, "levels", "positive_experience", group, "crude"), expected, rtol=1e-6)


def test_mean_stay(way, rows, asked, independent):
    home, _said = way
    mine = independent.acute_stays_of_adults(rows, asked["year"])
    expected = independent.mean_stay(mine, asked["who"], "White")
    np.testing.assert_allclose(
        _figure(home, "levels", "length_of_stay", "White", "crude", must_show=True), expected, rtol=1e-6
    )


@pytest.mark.parametrize("step", ["age_sex", "age_sex_imd"])
def test_detention_ratio(way, rows, asked, independent, step):
    from scipy import stats

    home, _said = way
    mine = independent.of_year(independent.detentions(rows), "start", asked["year"])
    adjust = ["age_band", "sex", "imd_quintile"][: 2 if step == "age_sex" else 3]
    ratio, error = independent.adjusted_ratio(mine, asked["who"], asked["population"], BLACK, adjust)
    estimate, lower, upper = _figure(home, "gaps", "detentions", BLACK, step)
    np.testing.assert_allclose(estimate, np.exp(ratio), rtol=1e-6)
    np.testing.assert_allclose(np.log(upper / estimate), np.log(estimate / lower), rtol=1e-5)
    people = independent.each_person(mine, asked["who"]).query("ethnic_group == @BLACK").shape[0]
    widths = stats.norm.ppf(0.975), stats.t.ppf(0.975, people)  # the docs' degrees of freedom are some twice the people
    assert widths[0] * error < np.log(upper / estimate) < widths[1] * error


def test_residents_of_every_group(way, asked):
    home, _said = way
    found = home.confidential("detentions").query("period == @PERIOD and measure == 'rate' and adjustment == 'crude'")
    at_risk = found.set_index("ethnic_group")["at_risk"]
    np.testing.assert_allclose(at_risk.reindex(asked["known"].index), asked["known"], rtol=1e-6)
