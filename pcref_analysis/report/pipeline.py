"""Make a report: rows to cells, notebooks, the output check, pages, one publication."""

from __future__ import annotations

import datetime
import hashlib
import shutil
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pcref_analysis
from pcref_analysis import prepare
from pcref_analysis.analysis import levels_and_gaps
from pcref_analysis.disclosure import release_tables
from pcref_analysis.display import formats, output
from pcref_analysis.extract import dictionary
from pcref_analysis.priorities import draft_list, engagement, findings, wording
from pcref_analysis.published import trusts
from pcref_analysis.report import (
    derived_tables,
    edition_readback,
    output_check,
    provenance,
    release_check,
    run_notebooks,
    signoff,
    unchanged,
)
from pcref_analysis.report.pages import (
    competencies,
    dashboard,
    documents,
    landing,
    language,
    main_points,
    page_lead,
    render,
    workbook,
)
from pcref_analysis.report.study import Study
from pcref_analysis.store import edition_files, progress, runs
from pcref_analysis.store.edition_files import RELEASED
from pcref_analysis.vocabulary import code, ethnicity, indicators, private
from pcref_analysis.vocabulary.errors import PcrefError
from pcref_analysis.vocabulary.parameters import Parameters, project_root, report_folder, shown

PAGES = {notebook: domain.capitalize() for domain, notebook in draft_list.NOTEBOOKS.items()}  # as the pages list them
PAGES[run_notebooks.LAST] = "Priorities"


def make(parameters: Parameters, say: Callable[[str], None], force: bool = False, signed: Sequence[Any] = ()) -> Path:
    """Make the report of a run and return its folder; the last edition stands until the new one is whole.

    What is made of a Trust's own records is held as a draft outside ``reports/`` until it is ``signed`` (see
    :func:`publish`). ``say`` is called with a line of progress; ``force`` makes everything again, changed or not.

    Raises
    ------
    PcrefError
        If an input, a notebook, the output check or the attack stops the run; nothing already published changes.
    """
    with private.alone(parameters.run, say):
        return _make(parameters, say, force, signed)


def _make(parameters: Parameters, say: Callable[[str], None], force: bool, signed: Sequence[Any]) -> Path:
    published, target = report_folder(parameters.run), unchanged.place(parameters, signed)
    edition_files.refuse_unknown(published, signoff.wanted(parameters))
    identity = unchanged.identity(parameters)
    if not force and not signed and (stands := unchanged.edition(parameters, identity)):
        say(unchanged.words(parameters, stands))
        return stands
    if force:
        runs.forget(parameters.run)
    wording.words(parameters.terms)  # the last notebook needs them: a fault stops now
    findings.check_rule(parameters.priorities, indicators.catalogue())
    say(f"report {parameters.run}: cells")
    with progress.part(say, 0.0, 0.4):
        data = prepare.prepare(parameters, say)
    before = _keep_editions(parameters, published, say)
    with progress.part(say, 0.4, 0.95):
        executed, known = _executed(parameters, data, before, say, identity["engagement"])
    say(f"report {parameters.run}: output check, attack and pages")
    records = output_check.collect(executed)
    release_check.check(records, known(), executed)
    fresh = data / "publish"
    shutil.rmtree(fresh, ignore_errors=True)
    facts = identity | {"version": pcref_analysis.__version__}
    facts["content"] = _write(parameters, executed, records, fresh, identity, signed)
    if signed:
        facts["signed"] = list(signed)
    edition_files.write_manifest(fresh, facts)
    if target == published and parameters.source.kind not in ("demo", "published"):
        _keep_for_good(target)
    edition_files.swap(fresh, target)
    say(f"report {parameters.run}: {shown(target)}/index.html")
    if signoff.wanted(parameters) and not signed:
        if typed := _small_numbers(parameters):
            say(f"  before you sign, see that no one can be known by a small number in words: {'; '.join(typed)}")
        say(f"  a draft, edition {facts['content']}; signed by two people, it is published by: "
            f"pcref publish {parameters.run}")  # fmt: skip
    return target


def _executed(
    parameters: Parameters, data: Path, before: list[Path], say: Callable[[str], None], engagement: str
) -> tuple[list[Path], Callable[[], release_check.Known]]:
    """Plan the release and run the notebooks; once more by what readers have seen, where both editions tell more.

    The plan repeats the last edition's counts only where it must: an edition of unchanged data comes out the same.
    Returns the notebooks, and what gives what their pages may show.
    """
    study, last = Study(parameters), [release_tables.read(folder) for folder in runs.earlier(parameters.run)]
    _compare_with_somebody(study)
    if not study.published:
        _plan(study, data, say)
    for again in (False, True):
        if again:
            say("  readers have an earlier edition: planning by what it showed")
            study.plan([table for one in last for table in one])
        say(f"report {parameters.run}: notebooks")
        key = _rests_on(data, [*runs.data_files(data), *sorted((data / "plan").glob("*")), *before])
        known = cache(lambda: release_check.Known(parameters))
        with progress.part(say, 0.3, 1.0):
            executed = run_notebooks.execute(
                parameters, data / "notebooks", say, key, engagement, meanwhile=(known, dashboard.library)
            )
        if not last or study.plan().later:
            break
        released = list(study.released().values())
        same = all(release_tables.says_the_same(released, one) for one in last)
        if same and release_tables.attack_beside(released, last, parameters).empty:
            break
    return executed, known


def _compare_with_somebody(study: Study) -> None:
    """Refuse a comparator that nobody in care has before the notebooks run: no gap could be worked out."""
    comparator, counted = study.parameters.comparator, levels_and_gaps.compared(study.cells())
    if not study.published:  # every group has residents, whether or not any of them came
        among = counted["indicator"].map(indicators.of_each("at_risk"))
        counted = counted[among.ne("residents") | counted["events"].gt(0)]
    groups = set(counted["ethnic_group"])
    others = [group for group in ethnicity.known_groups(study.parameters.detail) if group in groups]
    if others and comparator not in others:
        raise PcrefError(
            f"comparator: nobody who was counted is recorded as “{comparator}”, so that no gap can be worked out. "
            f"Set comparator to another group ({', '.join(others)}), or look at how ethnic groups are coded: "
            f"pcref check {study.parameters.run}"
        )


def _rests_on(data: Path, files: Sequence[Path]) -> str:
    """Return a hash of files, code and catalogue: a Trust's own entry may change and leave every cell alike."""
    catalogue = hashlib.sha256(repr(indicators.catalogue()).encode()).hexdigest()
    return edition_files.tree_digest(list(files), data) + code.digest() + catalogue


def _plan(study: Study, data: Path, say: Callable[[str], None]) -> None:
    """Plan which counts are hidden, or keep the plan that was made of these cells by this code, if it is as it was."""
    plan, mark = data / "plan", data / "plan.key"

    def key() -> str:
        return _rests_on(data, [*runs.data_files(data), *sorted(plan.glob("*"))])

    if not mark.is_file() or mark.read_text(encoding="utf-8") != key():
        shutil.rmtree(plan, ignore_errors=True)
        say("  planning which counts are hidden")
    if study.plan().later:  # by what readers had seen: tried without it first
        shutil.rmtree(plan)
        study.plan()
    mark.write_text(key(), encoding="utf-8")


def publish(parameters: Parameters, say: Callable[[str], None]) -> Path:
    """Publish the draft of a run that two people have signed; the invented Trust needs no signature.

    Raises
    ------
    PcrefError
        If there is no draft, it is not as it was made, or it is not signed by two people.
    """
    if parameters.audience == "internal":
        raise PcrefError(f"publish: {parameters.run} is for internal use. Set audience: release and make the report.")
    if not signoff.wanted(parameters):
        return make(parameters, say)
    draft = make(parameters, say)
    manifest = edition_files.read_manifest(draft)
    if manifest.get("signed"):
        return draft
    made_on = datetime.date.fromtimestamp((draft / "manifest.json").stat().st_mtime)
    signed = signoff.read(parameters.run, manifest["content"], made_on)
    target = make(parameters, say, signed=signed)
    if draft != target:
        shutil.rmtree(draft, ignore_errors=True)
    return target


def _keep_editions(parameters: Parameters, published: Path, say: Callable[[str], None]) -> list[Path]:
    """Set aside what readers hold already of this source, for the notebooks to take into account; return the files.

    Every edition of the same Trust or the same files, whatever its run is called: those that stand in ``reports``, and
    those whose place another has taken (``data/processed/.editions``).

    Not for the invented Trust, which has nobody to protect and must come out the same wherever it is made, and not
    for published figures, which their publishers protect.
    """
    kept = runs.last_edition(parameters.run)
    shutil.rmtree(kept, ignore_errors=True)
    if parameters.source.kind in ("demo", "published") or parameters.audience == "internal":
        return []
    stand = [published, *sorted(p for p in published.parent.glob("[!.]*") if p != published and p.is_dir())]
    gone = sorted(_archive().glob("*"), key=lambda one: int(one.name.partition("-")[0]), reverse=True)
    found, inputs = [], prepare.fingerprint(parameters)
    for folder in [*stand, *gone]:
        manifest = edition_files.read_manifest(folder)
        if not (folder / RELEASED).is_dir() or not (folder == published or _same_source(manifest, parameters, inputs)):
            continue
        if folder in stand and not edition_files.is_whole(folder, manifest):
            raise PcrefError(
                f"report: reports/{folder.name} is not as it was published, so it cannot be known what readers have "
                "seen. Put the published edition back, or move the folder away if it was never shown to anybody."
            )
        found.append(folder / RELEASED)
    for number, released in enumerate(found):
        shutil.copytree(released, kept / str(number))
    if found:
        say(f"  {len(found)} earlier edition(s) of this source are taken into account")
    return sorted(path for path in kept.rglob("*") if path.is_file())


def _same_source(manifest: dict[str, Any], parameters: Parameters, inputs: Any) -> bool:
    """Say whether an edition was made of the same Trust's records: by its code or name, or by the very files."""
    made = manifest.get("parameters", {})
    if not made or made.get("source", {}).get("kind") in ("demo", "published"):
        return False
    mine, other = parameters.trust.model_dump(), made.get("trust", {})
    alike = [mine[k] and str(mine[k]).casefold() == str(other.get(k, "")).casefold() for k in ("ods_code", "name")]
    return any(alike) or made.get("run") == parameters.run or bool(inputs and manifest.get("inputs") == inputs)


def _archive() -> Path:
    """Return where released tables stay whose edition another has replaced: readers still hold them."""
    return private.run_folder(".editions")


def _keep_for_good(edition: Path) -> None:
    """Put the released tables of an edition that is about to be replaced among those that readers hold."""
    manifest = edition_files.read_manifest(edition)
    known = {edition_files.read_manifest(one).get("content") for one in _archive().glob("*")}
    if not (edition / RELEASED).is_dir() or manifest.get("content") in known:
        return
    number = 1 + max((int(one.name.partition("-")[0]) for one in _archive().glob("*")), default=0)
    place = _archive() / f"{number}-{edition.name}"
    shutil.copytree(edition / RELEASED, place / RELEASED)
    edition_files.write_json(place / "manifest.json", manifest)


def _made_by(parameters: Parameters, identity: dict[str, Any]) -> dict[str, Any]:
    lock = project_root() / "requirements.txt"
    return {
        "code": identity["code"],
        "parameters": parameters.but(()),
        "version": pcref_analysis.__version__,
        "lock": edition_files.digest(lock) if lock.is_file() else "",
    }


def about(parameters: Parameters, signed: Sequence[Any] = ()) -> dict[str, Any]:
    """Return what every page, sheet and figure says about the run, and who signed it."""
    rule = parameters.disclosure
    counts = "Small numbers are shown. On release counts" if parameters.audience == "internal" else "Counts"
    others = f" and others rounded to the nearest {rule.rounding}" if rule.rounding > 1 else ""
    basis = {"demo": "an invented Trust"}
    if parameters.source.kind == "published":
        board = f"official published figures; rates are those of {trusts.board_name(parameters)}"
        basis["published"] = f"{board}, percentages those of the Trust itself"
    return {
        "trust": parameters.trust.name,
        "period_text": main_points.financial_year(parameters.period),
        "edition": parameters.edition,
        "edition_date": parameters.edition_date,
        "edition_day": formats.dates(parameters.edition_date),
        "next_edition": formats.dates(parameters.next_edition),
        "contact": parameters.contact,
        "introduction": parameters.introduction,
        "licence": "Open Government Licence v3.0",
        "licence_link": "https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/",
        "synthetic": parameters.synthetic,
        "audience": parameters.audience,
        "basis": f"Data: {basis.get(parameters.source.kind, 'the Trust’s own records')}",
        "version": pcref_analysis.__version__,
        "level": f"{100 * parameters.level:.4g}%",
        "sign_off": signoff.words(parameters, list(signed)),
        "draft": signoff.wanted(parameters) and not signed,
        "rule_text": f"{counts} below {rule.threshold} are suppressed{others} ({_rule_of(rule.owner, rule.agreed)}).",
    }


def _rule_of(owner: str, agreed: str) -> str:
    """Say whose rule it is and since when; words of the template are none for a reader."""
    if owner.startswith("to be ") or agreed.startswith("to be "):
        return "the rule is not agreed yet"
    return f"rule of {owner}, {formats.dates(agreed)}"


def _write(
    parameters: Parameters,
    executed: list[Path],
    records: list[dict[str, Any]],
    fresh: Path,
    identity: dict[str, Any],
    signed: Sequence[Any],
) -> str:
    """Write the edition and return the hash of all of it as it is unsigned, and of what it was made from.

    A signed edition is made unsigned first: every byte that was signed must come out again before names are put in.
    """
    (fresh / "tables").mkdir(parents=True)
    tables = [record for record in records if record["kind"] == "table"]
    output_check.by_rule({record["id"]: output.frame(record) for record in tables}, parameters)
    for record in tables:
        path = fresh / "tables" / f"{record['id']}.csv"
        path.write_text(record["csv"], encoding="utf-8", newline="\n")
    attacked = _attack_files(parameters, fresh / RELEASED)
    made_of = {"inputs": prepare.inputs(parameters), **_made_by(parameters, identity)}
    for names in [(), signed] if signed else [()]:
        facts = about(parameters, names)
        workbook.write(tables, fresh / "tables.xlsx", facts)
        _write_pages(parameters, executed, records, fresh, facts)
        edition_readback.check(fresh, records)
        edition_files.write_json(fresh / provenance.PACKAGE, provenance.data_package(records, facts))
        provenance.write(fresh, records, facts, made_of)
        if not names:
            content = edition_files.content_digest(fresh, identity)
            if signed:
                signoff.read(parameters.run, content)
    record = {"run": parameters.run, "edition": content, "disclosure_rule": parameters.disclosure.model_dump()}
    record |= {"attack": attacked, "signed_off": list(signed) or (facts["sign_off"] or "not wanted")}
    record["small_numbers_in_words"] = _small_numbers(parameters)
    edition_files.write_json(fresh / "release-record.json", record)
    return content


def _small_numbers(parameters: Parameters) -> list[str]:
    """Return where words that are published as typed count few people."""
    typed = {"introduction": parameters.introduction}
    return engagement.small_numbers(engagement.of_run(parameters), parameters.disclosure.threshold, typed)


def _write_pages(
    parameters: Parameters, executed: list[Path], records: list[dict[str, Any]], fresh: Path, facts: dict[str, Any]
) -> None:
    listed = [{"file": "index.html", "short": "In short"}]
    listed += [{"file": f"{path.stem}.html", "short": PAGES.get(path.stem, path.stem)} for path in executed]
    assessed = competencies.path_of(parameters)
    listed += [{"file": competencies.FILE, "short": "Competencies"}] if assessed.is_file() else []
    listed.append({"file": dashboard.FILE, "short": "Dashboard"})
    listed += [
        {"file": documents.EASY, "short": "Easy read"},
        {"file": "definitions.html", "short": "Definitions"},
    ]
    listed += [{"file": "method.html", "short": "Method"}, {"file": landing.FIND, "short": "Find"}]
    rows = parameters.source.kind != "published"  # a dictionary of what was read, where rows were read
    listed += [{"file": "dictionary.html", "short": "Data dictionary"}] if rows else []
    leads, badges = page_lead.of(records, parameters)
    named = {one.name: (one.badge, f"trust-{one.indicator}") for one in badges.itertuples()}
    bodies = {
        f"{path.stem}.html": render.notebook_body(path, lead := leads.get(f"{path.stem}.html", ""),
                                                  {k: v for k, v in named.items() if f'id="{v[1]}"' in lead})
        for path in executed
    }  # fmt: skip
    (fresh / "pictures").mkdir(exist_ok=True)
    for name, picture in render.pictures(records).items():
        (fresh / "pictures" / name).write_text(picture, encoding="utf-8", newline="\n")
    main = main_points.of(records, parameters)
    drawn = main_points.figure(main, parameters)
    documents.write(fresh, main, (drawn.png, drawn.record["alt"]) if drawn else None, facts)
    documents.write_slides(fresh, main, main_points.pictures(main, parameters), facts)
    if assessed.is_file():
        bodies[competencies.FILE] = competencies.body(competencies.read(assessed))
    bodies[documents.EASY] = documents.easy_read(main, facts)
    bodies |= landing.bodies(parameters, records, facts, main, drawn, badges) | {"dictionary.html": dictionary.html()}
    bodies[landing.FIND] = landing.find(records, badges, PAGES)
    shown = dashboard.html(records, main, listed, facts, parameters.comparator, badges)
    (fresh / dashboard.FILE).write_text(shown, encoding="utf-8", newline="\n")
    for item in [one for one in listed if one["file"] in bodies]:
        script = landing.find_script() if item["file"] == landing.FIND else ""
        html = render.page(bodies[item["file"]], item["short"], item["file"], listed, facts, script)
        (fresh / item["file"]).write_text(html, encoding="utf-8", newline="\n")
    language.write(fresh, parameters)


def _attack_files(parameters: Parameters, folder: Path) -> dict[str, Any]:
    """Write what the pages rest on for a reviewer to attack, attack it as they could, and say what was done."""
    released = derived_tables.everything(Study(parameters))
    output_check.by_rule({one.name: one.table for one in released}, parameters)
    release_tables.write(released, folder)
    before = runs.earlier(parameters.run)
    if parameters.audience == "release":
        release_tables.stop_on(release_tables.attack_beside(release_tables.read(folder), before))
    done = {"tables": [one.name for one in released], "could_be_worked_out": 0, "last_edition": bool(before)}
    return done if parameters.audience == "release" else {"not_attacked": "internal: small numbers are shown"}
