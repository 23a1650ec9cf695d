"""What a person sees of the command: errors in words, faults in a private log, runs named alike, help, progress."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from pcref_analysis import cli, prepare
from pcref_analysis.extract.sources import engines
from pcref_analysis.priorities import engagement
from pcref_analysis.store import progress
from pcref_analysis.vocabulary import indicators
from pcref_analysis.vocabulary.errors import PcrefError, SourceError

ROOT = Path(__file__).resolve().parents[2]
SECRET = "NHS number 9434765919"


@pytest.fixture
def home(tmp_path, monkeypatch, open_folder, copy_notebooks):
    copy_notebooks(tmp_path)
    monkeypatch.setenv("PCREF_HOME", str(tmp_path))
    monkeypatch.setenv("PCREF_OPEN_DATA", str(open_folder))
    return tmp_path


def pcref(*words):
    return CliRunner().invoke(cli.app, list(words))


def logs(home):
    return list(home.glob("data/processed/*/log/*.txt"))


def raising(error):
    def function(*_, **__):
        raise error

    return function


def test_a_fault_of_pcref_is_called_one_and_its_traceback_goes_into_the_private_log(home, monkeypatch):
    monkeypatch.setattr(prepare, "check", raising(KeyError(SECRET)))
    done = pcref("check", "demo")
    assert done.exit_code == 70
    assert "a fault of pcref, not of your data (KeyError)" in done.output
    assert SECRET not in done.output and "Traceback" not in done.output
    (log,) = logs(home)
    assert log.relative_to(home).as_posix() in done.output.replace("\n", "")
    assert SECRET in log.read_text(encoding="utf-8") and "Traceback" in log.read_text(encoding="utf-8")
    if os.name != "nt":
        assert all(path.stat().st_mode & 0o077 == 0 for path in (log, log.parent, log.parent.parent))


def test_what_the_computer_refuses_is_no_fault_of_pcref(home, monkeypatch):
    monkeypatch.setattr(prepare, "check", raising(OSError(28, "No space left on device", "cells.parquet")))
    done = pcref("check")
    assert done.exit_code == 1 and "No space left on device: cells.parquet" in done.output
    assert len(logs(home)) == 1


def test_a_fault_in_the_code_is_not_taken_for_a_source_out_of_reach(home, monkeypatch):
    import duckdb

    with pytest.raises(KeyError), engines.asked("rows were counted"):
        raise KeyError("a column that the code forgot")
    with (
        pytest.raises(SourceError, match="stopped while rows were counted") as stopped,
        engines.asked("rows were counted"),
    ):
        raise duckdb.ConversionException(SECRET)
    assert SECRET not in str(stopped.value)

    def broken(*_, **__):
        with engines.asked("the extract was checked"):
            raise duckdb.ConversionException(SECRET)

    monkeypatch.setattr(prepare, "check", broken)
    done = pcref("check")
    assert done.exit_code == 2 and SECRET not in done.output
    assert SECRET in logs(home)[0].read_text(encoding="utf-8")


def test_no_handler_in_the_package_takes_every_exception_but_the_last_one():
    found = [
        path.relative_to(ROOT / "pcref_analysis").as_posix()
        for path in (ROOT / "pcref_analysis").rglob("*.py")
        for _ in re.findall(r"except (Base)?Exception\b", path.read_text(encoding="utf-8"))
    ]
    assert found == ["cli.py"]


@pytest.mark.parametrize("words", [("report", "nosuch"), ("report", "--run", "nosuch"), ("check", "nosuch"),
                                   ("check", "--run", "nosuch"), ("publish", "nosuch"), ("publish", "--run", "nosuch"),
                                   ("review", "nosuch"), ("review", "--run", "nosuch"), ("data", "nosuch"),
                                   ("data", "--run", "nosuch"), ("priorities", "nosuch"),
                                   ("priorities", "--run", "nosuch"), ("trace", "x", "nosuch"),
                                   ("trace", "x", "--run", "nosuch"), ("attack", "nosuch"),
                                   ("attack", "--run", "nosuch"), ("open", "nosuch"), ("open", "--run", "nosuch"),
                                   ("doctor", "nosuch"), ("doctor", "--run", "nosuch"), ("words", "cy", "nosuch"),
                                   ("words", "cy", "--run", "nosuch")])  # fmt: skip
def test_every_verb_takes_the_run_as_a_word_or_as_an_option(home, words):
    done = pcref(*words)
    assert done.exit_code == 2 and "nosuch" in done.output, done.output
    assert not logs(home)
    two = [word for word in words if word != "--run"]
    assert "two runs are named" in pcref(*two, "--run", "other").output or words[0] == "review"


def test_every_verb_shows_an_example(home):
    for name in pcref_verbs():
        done = pcref(name, "--help")
        assert f"Example: pcref {name}" in done.output, name
        assert pcref("help", name).output.strip() == done.output.strip(), name
    assert "Did you mean 'report'?" in pcref("help", "reprt").output
    assert "--install-completion" in pcref("help").output


def pcref_verbs():
    return [command.name or command.callback.__name__ for command in cli.app.registered_commands]


def test_open_prints_where_the_report_is_and_prefers_the_newer(home, monkeypatch):
    import webbrowser

    seen = []
    monkeypatch.setattr(webbrowser, "open", seen.append)
    for number, place in enumerate(("reports/demo", "data/processed/demo/draft")):
        page = home / place / "index.html"
        page.parent.mkdir(parents=True)
        page.write_text("x", encoding="utf-8")
        os.utime(page, (10**9 + number, 10**9 + number))
        assert pcref("open").output.strip().replace("\n", "") == str(page)
        assert seen[-1] == page.as_uri()


def test_another_runs_broken_indicators_stop_that_run_alone(home):
    folder = home / "notebooks" / "parameters"
    for name in ("other", "demo"):
        (folder / f"{name}-indicators.yml").write_text("mine: {name: [", encoding="utf-8")
        assert set(indicators.catalogue()) == set(indicators.shipped())
        if name == "other":
            assert set(indicators.of_run("demo")) == set(indicators.shipped())
            assert list(indicators.faulty()) == ["other-indicators.yml"]
    with pytest.raises(PcrefError, match=r"demo-indicators\.yml is not valid YAML"):
        indicators.of_run("demo")
    done = pcref("report", "demo")
    assert done.exit_code == 2 and "demo-indicators.yml" in done.output and "cells" not in done.output


def test_another_comparator_is_said_before_the_work(home):
    """The first thing a learner edits: it ended, after all of the work, in an error about an item of the record."""
    file = home / "notebooks" / "parameters" / "demo.yml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("comparator: White ", "comparator: Mixed "), encoding="utf-8")
    for name in ("report", "check"):
        done = pcref(name)
        assert done.exit_code == 2 and "checking the extract" not in done.output
        assert "comparator: White" in done.output and "engagement: none" in " ".join(done.output.split())
    given = cli_parameters(engagement="none")

    assert engagement.of_run(given) is None and engagement.digest(given)


def cli_parameters(**facts):
    from pcref_analysis.vocabulary import parameters

    return parameters.load("demo", **facts)


def test_plain_lines_where_there_is_no_terminal(capsys, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    with progress.Progress("report demo").shown() as say:
        say("  cells")
        with progress.part(say, 0.0, 0.5):
            for number in range(10):
                now[0] += 6
                progress.share(say, number / 10)
        progress.share(print, 0.3)  # any other listener hears nothing
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "  cells"
    assert lines[1] == "  report demo: 10% done, about 162 s left".replace("162 s", "3 min")
    assert lines[-1] == "  report demo: 50% done, about 60 s left" and len(lines) == 6
    assert not any("\x1b" in line or "\r" in line for line in lines)


def test_a_short_command_tells_no_share(capsys):
    with progress.Progress("check").shown() as say:
        for number in range(11):
            progress.share(say, number / 10)
    assert capsys.readouterr().out == ""


def test_a_bar_where_there_is_a_terminal(tmp_path):
    pty = pytest.importorskip("pty")
    code = (
        "import time\nfrom pcref_analysis.store import progress\n"
        "with progress.Progress('report').shown() as say:\n say('[cells] 1')\n"
        " progress.share(say, 0.5)\n time.sleep(0.3)"
    )
    leader, follower = pty.openpty()
    subprocess.run([sys.executable, "-c", code], stdout=follower, env=os.environ | {"TERM": "xterm"}, check=True)
    os.close(follower)
    seen = os.read(leader, 100_000).decode()
    assert "[cells] 1" in seen and "50%" in seen and "\x1b" in seen


def test_the_extract_without_rows_in_the_period_is_named_before_counting(home):
    folder = home / "data" / "raw" / "local"
    folder.mkdir(parents=True)
    people = "Person_ID,UniqMonthID,EthnicCategory,PersonBirthDate,Gender\n"
    people += "1,1465,A,1980-01-01,1\n2,1465,B,1981-01-01,2\n"
    (folder / "MHS001MPI.csv").write_text(people, encoding="utf-8")
    (folder / "MHS101Referral.csv").write_text(
        "Person_ID,UniqServReqID,ReferralRequestReceivedDate\n1,r1,2022-05-01\n2,r2,2022-06-01\n", encoding="utf-8"
    )
    facts = yaml.safe_load((home / "notebooks/parameters/demo.yml").read_text(encoding="utf-8"))
    facts |= {"run": "local", "source": {"kind": "folder"}, "periods": []}
    (home / "notebooks/parameters/local.yml").write_text(yaml.safe_dump(facts), encoding="utf-8")
    for name in ("check", "report"):
        done = pcref(name, "local", "--period", "2019-20")
        assert done.exit_code == 2
        words = " ".join(done.output.split())
        assert "no table has a row that starts in the period 2019-20" in words and "2022-23 to 2022-23" in words
        assert "counting rows" not in words
    assert "no table has a row" not in pcref("check", "local", "--period", "2022-23").output


@pytest.fixture(scope="module")
def figures(open_data):
    from pcref_analysis.published import trusts

    return trusts.mental_health(open_data)


def test_a_parameters_file_for_every_mental_health_trust(home, open_data, figures):
    from pcref_analysis.published import trusts
    from pcref_analysis.vocabulary import parameters

    assert len(figures) == 57 and figures["code"].is_unique and "All prov" not in set(figures["code"])
    known = figures.set_index("code")["board"]
    assert dict(known[["RV5", "RT1", "RXM", "G6V2S"]]) == {"RV5": "QKK", "RT1": "QUE", "RXM": "QJ2", "G6V2S": "QMJ"}
    lacks = {"TAD": "QWO", "TAF": "QMJ", "TAH": "QF7", "TAJ": "QUA"}  # the register does: reference/organisations.csv
    assert dict(known[list(lacks)]) == lacks and not known.eq("").any()
    for code in figures["code"]:
        trusts.init(code.lower(), "figures")
        got = parameters.load(code.lower())
        assert (got.trust.ods_code, got.trust.icb_code, got.run) == (code, known[code], code.lower())
        assert got.trust.name.endswith(("NHS Foundation Trust", "NHS Trust", "Partnership Trust"))
        assert got.source.location == f"data/raw/{code.lower()}" and got.open_data == "figures"
        trusts.init(code, "figures", published=True)
        got = parameters.load(f"published-{code.lower()}")
        assert got.trust.ods_code == code and got.source.kind == "published" and got.trust.icb_code == known[code]
    mine = (home / "notebooks/parameters/rt1.yml").read_text(encoding="utf-8")
    assert "RT119" in mine and "RT1AB" not in mine  # another organisation's


def test_init_names_the_nearest_and_overwrites_nothing(home, open_data):
    done = pcref("init", "RV5")
    assert done.exit_code == 0 and "South London and Maudsley" in done.output and "QKK" in done.output
    assert "Take out the blank tables that you do not fill" in " ".join(done.output.split())
    file = home / "notebooks" / "parameters" / "rv5.yml"
    file.write_text("mine", encoding="utf-8")
    assert "nothing is overwritten" in " ".join(pcref("init", "rv5").output.split())
    assert file.read_text(encoding="utf-8") == "mine"
    done = pcref("init", "RVV")
    assert done.exit_code == 2 and "Near it: " in " ".join(done.output.split())
    assert "RV5 (South London" in " ".join(pcref("init", "maudsley").output.split())


def test_doctor_names_what_stops_a_run_and_publishes_nothing(home, monkeypatch):
    from pcref_analysis.report import doctor

    facts = yaml.safe_load((home / "notebooks/parameters/demo.yml").read_text(encoding="utf-8"))
    facts |= {"run": "local", "source": {"kind": "folder"}, "engagement": "nowhere.yml"}
    (home / "notebooks/parameters/local.yml").write_text(yaml.safe_dump(facts), encoding="utf-8")
    mine = indicators.shipped()["new_referrals"].model_dump(exclude={"id"}, exclude_none=True, mode="json")
    mine["count"]["where"] = [{"column": "SourceOfReferral", "eq": "F1"}]
    (home / "notebooks/parameters/local-indicators.yml").write_text(yaml.safe_dump({"mine": mine}), encoding="utf-8")
    done = pcref("doctor", "local")
    words = " ".join(done.output.split())
    assert done.exit_code == 2 and "3 thing(s) stop this run" in words
    assert "column 'SourceOfReferral' in these rows. Did you mean 'SourceOfReferralMH'?" in words
    assert "STOPS extract: source: there is no folder" in words and "STOPS engagement record" in words
    assert "whole way" not in words and not (home / "reports" / "local").exists()
    (home / "notebooks/parameters/local.yml").write_text(yaml.safe_dump(facts | {"engagement": ""}), encoding="utf-8")
    assert "there is no column 'SourceOfReferral'" in " ".join(pcref("check", "local").output.split())
    monkeypatch.setattr(doctor.metadata, "requires", lambda name: ["pandas>=99", "nosuchpackage", "numpy>=1"])
    stops = [words for good, words in doctor.environment() if not good]
    assert len(stops) == 1 and "pandas" in stops[0] and "nosuchpackage is not installed" in stops[0]


def test_doctor_takes_the_first_people_and_all_that_is_theirs(home):
    from pcref_analysis.report import doctor

    folder = home / "data" / "raw" / "local"
    folder.mkdir(parents=True)
    people = "".join(f"p{number:05d},1465,A\n" for number in range(1500))
    (folder / "MHS001MPI.csv").write_text("person_id ,UniqMonthID,EthnicCategory\n" + people, encoding="utf-8")
    rows = "".join(f"r{number},p{number:05d},2023-05-01\n" for number in (3, 999, 1000, 1400))
    header = "UniqServReqID,Who,ReferralRequestReceivedDate\n"
    (folder / "referrals.csv").write_text(header + rows, encoding="utf-8")
    source = {"kind": "folder", "location": str(folder), "tables": {"MHS101Referral": "referrals"},
              "columns": {"MHS101Referral": {"Person_ID": "Who"}}}  # fmt: skip
    import pandas as pd

    assert doctor._first_people(cli_parameters(source=source), home / "few") == 1000
    taken = {path.stem: pd.read_parquet(path) for path in (home / "few").glob("*.parquet")}
    assert len(taken["MHS001MPI"]) == 1000
    assert sorted(taken["MHS101Referral"]["Who"]) == ["p00003", "p00999"]


def test_whether_anything_changed_is_decided_before_frames_are_imported():
    """An unchanged report takes half a second: pandas and SciPy alone take longer to import."""
    code = (
        "import sys; import pcref_analysis.cli, pcref_analysis.report.unchanged;"
        "print(sorted({'pandas', 'numpy', 'scipy', 'matplotlib', 'ibis', 'jinja2'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("words", [["priorities", "dmeo"], ["open", "dmeo"], ["trace", "access-gaps", "dmeo"]])
def test_a_mistyped_run_is_answered_with_the_nearest_and_not_told_to_make_its_report(home, words):
    done = pcref(*words)
    assert done.exit_code == 2
    assert "there is no dmeo.yml. Did you mean 'demo'?" in done.output.replace("\n", " ")


def test_a_catalogue_of_english_is_refused(home):
    done = pcref("words", "en", "demo")
    assert done.exit_code == 2 and "in English already" in done.output
    assert not (home / "notebooks/parameters/demo-en.po").exists()
