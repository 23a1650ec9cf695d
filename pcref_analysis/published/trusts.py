"""The parameters file of a mental health Trust, begun from published tables: its name, its board and its sites."""

from __future__ import annotations

import difflib
from pathlib import Path

import pandas as pd

from pcref_analysis.published import mental_health_act, organisations, talking_therapies
from pcref_analysis.store import open_data
from pcref_analysis.vocabulary.errors import PcrefError
from pcref_analysis.vocabulary.parameters import Parameters, run_file, shown

REGISTER, BOARDS = "nhs_trusts_ods_etr.csv", "icb24_codes.csv"
ACT, THERAPIES = mental_health_act.FILE, talking_therapies.FILE
TOTAL = "All prov"  # stands among the Trusts
END = 20240331  # of the year of the figures
SMALL = {"and", "of", "the", "with", "for"}
TEMPLATE = """\
# {name}, on its own extract. Read every line before the first run.
# The extract never leaves the Trust, and data/raw is ignored by git.{sites}
run: {run}
trust:
  name: {quoted}
  ods_code: {code}
{board}
source:
  kind: folder                  # folder (CSV or Parquet), duckdb, postgres, sqlserver or spark
  location: data/raw/{run}      # `pcref templates data/raw/{run}` writes blank files to fill
  tables: {{}}                    # contract table: local table or file name, where they differ
  columns: {{}}                   # contract table: {{contract column: local column}}, where they differ
open_data: {open_data}  # published census and deprivation tables (docs/published-figures.md)
period: "2023-24"
periods: ["2021-22", "2022-23", "2023-24"]   # three years: small groups need them
comparator: White               # also shown: all other groups together and the whole population
detail: broad                   # broad (5 groups) or detailed (16)
age_bands: [0, 16, 20, 25, 35, 50, 65]   # first year of each band; must be cuts of the census table
imd_version: 2025               # 2025: LSOA 2021 codes in the extract; 2019: LSOA 2011 codes
ethnicity_rule: latest_known    # latest_known, most_frequent or submitted
standard: england_2021
level: 0.95
disclosure:
  owner: to be named (information governance)
  agreed: to be agreed
  preset: mhsds                 # below 5 hidden, others to the nearest 5
priorities:
  owner: to be named (PCREF steering group)
  agreed: to be agreed          # weights are set before results are seen
"""
PUBLISHED = """\
# Official published figures for the area of {name}. No patient-level data.
# A figure that is not published for this Trust or its board costs its indicator, never the report.{sites}
run: {run}
trust:
  name: {quoted}
  ods_code: {code}
{board}
edition: 1
source:
  kind: published
open_data: {open_data}  # folder of published figures; the variable PCREF_OPEN_DATA wins
period: "2023-24"               # the year of the Mental Health Act figures; Talking Therapies are read for all years
comparator: White               # local figures are published for broad groups only
detail: broad
age_bands: [0, 16, 20, 25, 35, 50, 65]
imd_version: 2025
standard: england_2021
level: 0.95
disclosure:                     # the publisher has suppressed and rounded already: nothing below may be less strict
  owner: NHS England (as published)
  agreed: with the publication
  threshold: 5                  # counts below this were suppressed
  rounding: 5                   # counts were rounded to the nearest
  show_zero: false              # zero is suppressed too
priorities:
  owner: to be named by the Trust
  agreed: to be agreed
"""


def folder_of(named: str) -> Path:
    """Return the folder of published figures (``PCREF_OPEN_DATA`` wins) with the files that tell of Trusts."""
    return open_data.folder_named(named, [REGISTER, BOARDS, ACT, THERAPIES])


def mental_health(folder: Path) -> pd.DataFrame:
    """Return the NHS Trusts with detentions under the Mental Health Act in 2023-24, and those opened since.

    Returns
    -------
    pandas.DataFrame
        ``code, name, board, closed``, a row a Trust, by code. ``board`` is the integrated care board (2024) of the
        Trust's head office in the register of NHS organisations, or in the package's table of organisations where
        the register does not hold the Trust; ``closed`` the day on which the register closed it, "" for none.

    Raises
    ------
    PcrefError
        If one of the files is missing or lacks a column.

    Notes
    -----
    A Trust has no residents, and may serve more than one board: the board is a proposal, to be confirmed by the Trust.
    """
    act = open_data.read(folder, ACT, columns=["organisation_breakdown", "org_code", "org_name", "mhsds_count"])
    act = act[(act["organisation_breakdown"] == "NHS Trust") & (act["mhsds_count"] > 0) & (act["org_code"] != TOTAL)]
    register = open_data.read(folder, REGISTER, columns=["org_code", "org_name", "icb_code", "open_date", "close_date"])
    since = register[register["close_date"].isna() & (register["open_date"] > END)]  # of a merger
    names = {"org_code": "code", "org_name": "name"}
    act = pd.concat([act, since]).drop_duplicates("org_code").rename(columns=names)[["code", "name"]]
    register = register[["org_code", "icb_code", "close_date"]]
    boards = set(open_data.read(folder, BOARDS, columns=["icb24_ods_code"])["icb24_ods_code"])
    register = register.rename(columns={"org_code": "code", "icb_code": "board", "close_date": "closed"})
    found = act.merge(register, on="code", how="left", validate="one_to_one").sort_values("code", ignore_index=True)
    register_lacks = organisations.reference("board").set_index("code")["other_code"]
    found["board"] = found["board"].fillna(found["code"].map(register_lacks))
    closed = found["closed"].astype("Int64").astype("string").fillna("")
    return found.assign(board=found["board"].where(found["board"].isin(boards), "").fillna(""), closed=closed)


def unregistered(parameters: Parameters) -> str:
    """Say of a run's ODS code that the register at hand does not hold it, or has closed it; "" where neither is so."""
    code = parameters.trust.ods_code
    if parameters.synthetic or not code:
        return ""
    try:
        register = open_data.read(open_data.folder_named(parameters.open_data, [REGISTER]), REGISTER)
    except PcrefError:
        return ""  # no register is at hand
    closed = register.set_index("org_code")["close_date"].astype("Int64")
    if code not in closed.index:
        return f"'{code}' is not in the register of NHS Trusts"
    return "" if pd.isna(closed[code]) else f"{code} was closed on {pd.Timestamp(str(closed[code])):%d %B %Y}"


def sites(folder: Path, code: str) -> dict[str, str]:
    """Return the sites under which a Trust reports Talking Therapies, by code: their names."""
    table = open_data.read(folder, THERAPIES, columns=["org_code", "org_name", "reporting_period"]).dropna()
    own = table[organisations.is_providers(table["org_code"], table["reporting_period"], code)]
    own = own[own["org_code"].ne(code)].drop_duplicates("org_code").sort_values("org_code")
    return {site: in_words(name) for site, name in zip(own["org_code"], own["org_name"], strict=True)}


def in_words(name: str) -> str:
    """Return the name of an organisation, published in capitals, as it is written.

    Examples
    --------
    >>> in_words("SOUTH WEST LONDON AND ST GEORGE'S MENTAL HEALTH NHS TRUST")
    "South West London and St George's Mental Health NHS Trust"
    """
    words = [w.lower() if w.lower() in SMALL else w if w in ("NHS", "CIC") else w.capitalize() for w in name.split()]
    return " ".join(words)[:1].upper() + " ".join(words)[1:]


def init(code: str, named: str, published: bool = False) -> list[str]:
    """Write ``notebooks/parameters/<code>.yml`` for a mental health Trust and return what there is to say.

    ``code`` may be in any letter case; ``named`` is the folder of published figures as the parameters name it (the
    variable ``PCREF_OPEN_DATA`` wins). With ``published``, for a report on published figures alone, it is
    ``published-<code>.yml``, which can be run as it stands.

    Raises
    ------
    PcrefError
        If the code is none of a mental health Trust (the nearest are named), or the file is there already.
    """
    folder = folder_of(named)
    table, code = mental_health(folder).set_index("code"), code.strip().upper()
    if code not in table.index:
        by_name = {in_words(name).lower(): key for key, name in table["name"].items()}
        inside = [key for name, key in by_name.items() if len(code) > 3 and code.lower() in name]
        near = inside[:5] or difflib.get_close_matches(code, table.index, n=3, cutoff=0.6)
        hint = "; ".join(f"{key} ({in_words(table.loc[key, 'name'])})" for key in near)
        raise PcrefError(
            f"init: '{code}' is not among the {len(table)} NHS Trusts with detentions in 2023-24, or opened since."
            + (f" Near it: {hint}." if hint else "")
        )
    trust = table.loc[code]
    run = f"published-{code.lower()}" if published else code.lower()
    path = run_file(run)
    if path.exists():
        raise PcrefError(f"init: notebooks/parameters/{path.name} is there already, and nothing is overwritten.")
    path.parent.mkdir(parents=True, exist_ok=True)
    text = text_of(run, code, trust["name"], trust["board"], sites(folder, code), named, published)
    path.write_text(text, encoding="utf-8", newline="\n")
    said = [f"init: {shown(path)} ({in_words(trust['name'])})"]
    if trust["board"]:
        said.append(
            f"  icb_code {trust['board']} is the board of the head office; a Trust may serve others too: confirm it."
        )
    else:
        said.append("  icb_code could not be derived: the register at hand does not hold this Trust. Fill it in.")
    if trust["closed"]:
        said.append("  The register closed this Trust since: its successor may have another code.")
    steps = f"pcref report {run}" if published else f"pcref templates data/raw/{run}; then pcref check {run}"
    said.append(f"  Next: {steps}")
    if not published:
        said.append("  Take out the blank tables that you do not fill: one without rows says that there were none.")
    return said


def text_of(run: str, code: str, name: str, board: str, own: dict[str, str], named: str, published: bool) -> str:
    """Return the parameters file of a Trust as text; ``own`` is its sites, ``named`` the folder of open figures."""
    line = f"  icb_code: {board}                 # board of the head office: confirm it; residents of it are at risk"
    if not board:
        line = "  # icb_code:                   # to be filled in: not in the register at hand"
    listed = "".join(f"\n#   {site}: {words}" for site, words in own.items())
    return (PUBLISHED if published else TEMPLATE).format(
        name=in_words(name), quoted=f'"{in_words(name)}"', code=code, run=run, board=line, open_data=named,
        sites=f"\n# Sites in Talking Therapies (a code may be another organisation's):{listed}" if own else "",
    )  # fmt: skip


def board_name(parameters: Parameters) -> str:
    """Return how a run's integrated care board is called: its name and code; without a file of names, by its code."""
    code, columns = parameters.trust.icb_code, ["icb24_ods_code", "icb24_name"]
    try:
        names = open_data.read(open_data.folder_named(parameters.open_data, ()), BOARDS, columns)
    except PcrefError:
        names = pd.DataFrame(columns=columns)
    found = names.loc[names["icb24_ods_code"].eq(code), "icb24_name"].tolist()
    return f"{found[0]} ({code})" if found else f"the integrated care board {code}"
