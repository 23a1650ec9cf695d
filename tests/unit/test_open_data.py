"""The folder of published figures: found, missing, incomplete, spoiled."""

import gzip

import pandas as pd
import pytest

from pcref_analysis.store import open_data
from pcref_analysis.vocabulary import parameters
from pcref_analysis.vocabulary.errors import PcrefError


def run(**changes):
    values = {
        "run": "published-test",
        "trust": {"name": "A Trust", "ods_code": "RXX", "icb_code": "QXX"},
        "source": {"kind": "published"},
        "open_data": "published",
        "period": "2023-24",
        "disclosure": {"owner": "o", "agreed": "a"},
        "priorities": {"owner": "o", "agreed": "a"},
    }
    return parameters.check(values | changes, "test.yml")


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.setenv("PCREF_HOME", str(tmp_path))
    return tmp_path


def fill(folder):
    folder.mkdir()
    for name in open_data.PUBLISHERS:
        (folder / name).write_bytes(b"")
    return folder


def test_the_parameter_is_relative_to_the_project_and_the_variable_wins(project, monkeypatch):
    here = fill(project / "published")
    assert open_data.open_data_folder(run()) == here.resolve()
    other = fill(project / "elsewhere")
    monkeypatch.setenv("PCREF_OPEN_DATA", str(other))
    assert open_data.open_data_folder(run()) == other.resolve()


def test_an_absent_folder_says_which_files_from_which_publisher_and_where_to(project):
    with pytest.raises(PcrefError) as caught:
        open_data.open_data_folder(run())
    message = str(caught.value)
    assert all(name in message for name in open_data.PUBLISHERS)
    for part in (
        "Office for National Statistics",
        "NHS England",
        "Ministry of Housing",
        "'published'",
        "PCREF_OPEN_DATA",
    ):
        assert part in message
    assert len(message.splitlines()) <= 8
    assert str(project) not in message  # no path of this machine


def test_one_missing_file_is_named_alone(project):
    (fill(project / "published") / "imd2019_lsoa11.csv.gz").unlink()
    with pytest.raises(PcrefError) as caught:
        open_data.open_data_folder(run())
    assert "imd2019_lsoa11.csv.gz" in str(caught.value)
    assert "imd2025_lsoa21.csv.gz" not in str(caught.value)


def test_an_empty_parameter_is_said(project):
    with pytest.raises(PcrefError, match="open_data is empty"):
        open_data.open_data_folder(run(open_data=""))


@pytest.mark.parametrize("content", [b"not gzip at all", gzip.compress(b"", mtime=0)])
def test_a_spoiled_file_ends_in_a_message(tmp_path, content):
    (tmp_path / "imd2025_lsoa21.csv.gz").write_bytes(content)
    with pytest.raises(PcrefError, match=r"imd2025_lsoa21\.csv\.gz cannot be read"):
        open_data.read(tmp_path, "imd2025_lsoa21.csv.gz")


def test_a_missing_column_is_named(tmp_path):
    pd.DataFrame({"lsoa21_code": ["E01"]}).to_csv(tmp_path / "imd2025_lsoa21.csv.gz", index=False)
    with pytest.raises(PcrefError, match="has no column imd_rank"):
        open_data.read(tmp_path, "imd2025_lsoa21.csv.gz", columns=["lsoa21_code", "imd_rank"])


def test_the_text_null_is_a_text_and_an_empty_cell_is_missing(tmp_path):
    (tmp_path / "imd2025_lsoa21.csv.gz").write_bytes(gzip.compress(b"a,b\nNULL,1\nx,\n", mtime=0))
    table = open_data.read(tmp_path, "imd2025_lsoa21.csv.gz")
    assert table["a"].tolist() == ["NULL", "x"]
    assert table["b"].isna().tolist() == [False, True]


def test_what_is_read_is_the_callers_own_and_a_changed_file_is_read_again(tmp_path):
    name = "icb.csv"
    open_data.PUBLISHERS.setdefault(name, "test")
    try:
        (tmp_path / name).write_text("a\n1\n", encoding="utf-8")
        first = open_data.read(tmp_path, name)
        first.loc[0, "a"] = 99
        first["b"] = 1
        assert open_data.read(tmp_path, name)["a"].tolist() == [1]
        (tmp_path / name).write_text("a\n1234\n", encoding="utf-8")
        assert open_data.read(tmp_path, name)["a"].tolist() == [1234]
    finally:
        open_data.PUBLISHERS.pop(name)


def test_what_a_file_holds_is_said_and_a_file_without_its_columns_is_named(tmp_path):
    act, therapies = "mha_2023_24_annual.csv.gz", "nhs_talking_therapies_annual_by_ethnic_group.csv.gz"
    pd.DataFrame({"year": ["2023/24"] * 3, "org_code": ["RXM", "RXM", "QJ2"]}).to_csv(tmp_path / act)
    assert open_data.contents(tmp_path, act) == "3 rows of 2 organisations, 2023-24"
    years = pd.DataFrame({"reporting_period": ["2024-25", "2017-18"], "org_code": ["RXM", "RXM"]})
    years.to_csv(tmp_path / therapies)
    assert open_data.contents(tmp_path, therapies) == "2 rows of 1 organisations, 2017-18 to 2024-25"
    years.drop(columns="org_code").to_csv(tmp_path / therapies)
    with pytest.raises(PcrefError, match=r"nhs_talking.* has no column org_code"):
        open_data.contents(tmp_path, therapies)
    years.head(0).to_csv(tmp_path / therapies)
    with pytest.raises(PcrefError, match=r"has no rows. Copy it again from the publisher .https://digital.nhs.uk"):
        open_data.contents(tmp_path, therapies)
    assert {*open_data.PUBLISHERS.values(), open_data.NHS_MHSDS} == set(open_data.ADDRESSES)
