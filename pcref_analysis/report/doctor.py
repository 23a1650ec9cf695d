"""What may stop a run, found in seconds: environment, extract, open figures, and the whole way on a thousand people."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from pcref_analysis.counting import availability
from pcref_analysis.extract import columns_present
from pcref_analysis.extract.schema import PERSONS, declared
from pcref_analysis.extract.sources import connect, engines
from pcref_analysis.priorities import engagement
from pcref_analysis.published import trusts
from pcref_analysis.report import run_notebooks
from pcref_analysis.store import open_data, progress
from pcref_analysis.vocabulary import indicators, private
from pcref_analysis.vocabulary import parameters as files
from pcref_analysis.vocabulary.errors import PcrefError
from pcref_analysis.vocabulary.parameters import Parameters, project_path, project_root

FEW = 1_000  # people
ROOM = 2 * 1024**3  # bytes on the disk below which a report may not end
GOOD, BAD = "ok   ", "STOPS"


def doctor(run: str, say: Callable[[str], None], whole: bool = True) -> int:
    """Say what is as it should be for a run, and what will stop it; publish nothing.

    ``run`` is its name or a path to its file; ``say`` is called with a line a finding. With ``whole`` the report is
    made of the first thousand people too, in a closed folder that is removed at the end.

    Returns
    -------
    int
        0 where nothing stops the run, 2 otherwise.

    Raises
    ------
    PcrefError
        If the run's parameters cannot be read.
    """
    checked, stops = files.load(run), 0
    for good, words in (*environment(), *inputs(checked)):
        say(f"{GOOD if good else BAD} {words}")
        stops += not good
    if whole and not stops:
        say(f"      the whole way on the first {FEW:,} people, for nobody to see:")
        with private.alone(checked.run, say), progress.part(say, 0.1, 1.0):
            stops += _whole_way(checked, say)
    say("doctor: nothing stops this run" if not stops else f"doctor: {stops} thing(s) stop this run")
    return 2 if stops else 0


def environment() -> Iterator[tuple[bool, str]]:
    """Look at Python, the packages (against the versions that pcref-analysis wants), rights and room on the disk."""
    yield sys.version_info >= (3, 11), f"Python {sys.version.split()[0]} in {Path(sys.prefix).name}"
    wanted = [one for one in metadata.requires("pcref-analysis") or [] if "extra ==" not in one]
    odd = [words for one in wanted if (words := _misfit(one))]
    yield not odd, "; ".join(odd) or f"{len(wanted)} packages are of the versions that are wanted"
    for name in ("data/processed", "reports"):
        place = project_root() / name
        yield _writable(place), f"{name} can{'' if _writable(place) else 'not'} be written"
    free = shutil.disk_usage(project_root()).free
    yield free > ROOM, f"{free / 1024**3:.0f} GB free on the disk ({ROOM / 1024**3:.0f} GB wanted)"
    found = run_notebooks.notebooks()
    yield bool(found), f"{len(found)} notebooks, run by {Path(sys.executable).name} of this environment"


def inputs(parameters: Parameters) -> Iterator[tuple[bool, str]]:
    """Look at the extract, the open figures, the engagement record and the run's own indicators."""
    looks = {
        "extract": lambda: _extract(parameters),
        "trust": lambda: trusts.unregistered(parameters) or parameters.trust.name,
        "engagement record and previous list": lambda: engagement.digest(parameters) and "in order",
        "own indicators": lambda: _own_indicators(parameters.run),
    }
    for name, look in looks.items():
        try:
            yield True, f"{name}: {look()}"
        except PcrefError as error:
            yield False, f"{name}: {error}"
    published = parameters.source.kind == "published"
    wanted = tuple(open_data.PUBLISHERS) if published else open_data.RESIDENTS
    try:
        folder = open_data.open_data_folder(parameters, wanted)
        yield True, f"open figures: all {len(wanted)} files are in '{folder.name}'"
    except PcrefError as error:
        first = str(error).splitlines()[0].removeprefix("open data: ").removesuffix(" Wanted:")
        yield (
            _some(parameters) or not published,
            f"open figures: {first} "
            + ("What rests on them is left out." if published else "An extract must then bring its residents."),
        )


def _own_indicators(run: str) -> str:
    entries = indicators.of_run(run)
    availability.check_own(entries, run)
    return f"{len(entries)} indicators are counted"


def _some(parameters: Parameters) -> bool:
    try:
        return bool(open_data.folder_of_some(parameters))
    except PcrefError:
        return False


def _extract(parameters: Parameters) -> str:
    kind = parameters.source.kind
    if kind == "demo":
        return "the invented Trust, made on the spot"
    if kind == "published":
        return "none: published figures are read"
    with engines.asked("the extract was opened"):
        return f"{len(connect.open(parameters))} of {len(declared())} tables of the contract are there"


def _misfit(requirement: str) -> str:
    """Say how a package differs from what is wanted; "" where it does not."""
    from packaging.requirements import Requirement

    one = Requirement(requirement)
    if one.marker and not one.marker.evaluate():
        return ""
    try:
        have = metadata.version(one.name)
    except metadata.PackageNotFoundError:
        return f"{one.name} is not installed (python bootstrap.py installs it)"
    fits = one.specifier.contains(have, prereleases=True)
    return "" if fits else f"{one.name} {have} does not fit {one.specifier} (python bootstrap.py mends it)"


def _writable(place: Path) -> bool:
    try:
        place.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=place, prefix=".doctor-"):
            return True
    except OSError:
        return False


def _whole_way(parameters: Parameters, say: Callable[[str], None]) -> int:
    """Make the report of the first people in a project folder of its own, below the run's closed one."""
    for left in private.make(parameters.run).glob("doctor-*"):  # by one that was killed
        shutil.rmtree(left, ignore_errors=True)
    with TemporaryDirectory(dir=private.make(parameters.run), prefix="doctor-") as scratch:
        home = Path(scratch)
        shutil.copytree(project_root() / "notebooks", home / "notebooks", ignore=shutil.ignore_patterns(".*"))
        facts = parameters.model_dump(mode="json")
        facts |= {"previous": "", "engagement": engagement.NO_RECORD}  # both are about the list of all people
        facts["open_data"] = str(project_path(parameters.open_data)) if parameters.open_data else ""
        if parameters.source.kind != "published":
            say(f"      {_first_people(parameters, home / 'data' / 'raw' / parameters.run):,} people are taken")
            facts["source"] |= {"kind": "folder", "location": "", "tables": {}}
        file = home / "notebooks" / "parameters" / f"{parameters.run}.yml"
        file.write_text(yaml.safe_dump(facts, allow_unicode=True), encoding="utf-8")
        ours = {name: value for name, value in os.environ.items() if name != files.GIVEN}
        running = subprocess.Popen(
            [sys.executable, "-m", "pcref_analysis", "report", parameters.run], cwd=home, encoding="utf-8",
            env=ours | {"PCREF_HOME": str(home), "PYTHONIOENCODING": "utf-8"}, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )  # fmt: skip
        for line in running.stdout or ():
            if share := re.search(r"(\d+)% done", line):
                progress.share(say, int(share[1]) / 100)
            elif not line.startswith("    "):
                say(f"      {line.rstrip()}")
        stops = int(running.wait() != 0)
        log = home / "data" / "processed" / parameters.run / "log"  # named in what was just said
        if log.is_dir():
            shutil.copytree(log, private.run_folder(parameters.run) / "log", dirs_exist_ok=True)
        return stops


def _first_people(parameters: Parameters, folder: Path) -> int:
    """Write the tables of the first people, under their contract names, and return how many people there are."""
    folder.mkdir(parents=True)
    if parameters.source.kind == "demo":
        from pcref_analysis.synthetic import demo

        made = folder.parent / "all"
        demo.write(made, seed=parameters.seed)
        parameters = parameters.model_copy(
            update={"source": parameters.source.model_copy(update={"kind": "folder", "location": str(made)})}
        )
    with engines.asked("the first people were taken"):
        raw = connect.open(parameters)
        names = {table: columns_present.columns(declared()[table], rows, parameters)[0] for table, rows in raw.items()}
        person = names[PERSONS].get("Person_ID")
        if not person:
            raise PcrefError(f"extract: {PERSONS} has no column Person_ID. Run: pcref check {parameters.run}")
        ids = raw[PERSONS].select(person).distinct().order_by(person).limit(FEW)
        some = engines.temporary_table(ids.to_pandas(), raw[PERSONS])
        for table, rows in raw.items():
            own = names[table].get("Person_ID")
            kept = rows.semi_join(some, rows[own] == some[person]) if own else rows
            kept.to_parquet(folder / f"{table}.parquet")
        return int(some.count().execute())
