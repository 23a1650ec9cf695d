"""Race-equality figures of an NHS mental health Trust: check an extract, make the report, publish it."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from pcref_analysis import __version__
from pcref_analysis.store.progress import Progress
from pcref_analysis.vocabulary.errors import PcrefError, SourceError, did_you_mean


class Verb(TyperCommand):
    """A verb whose errors are short words: what people can mend ends with status 2, a fault of pcref with 70."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except PcrefError as error:
            log = f" Details (confidential): {_log(ctx, error)}" if isinstance(error, SourceError) else ""
            typer.echo(f"pcref: {error}{log}", err=True)
            raise typer.Exit(error.status) from None
        except (typer.Exit, typer.Abort, typer.BadParameter):
            raise
        except (OSError, MemoryError) as error:  # the computer's: a full disk, a file that another program holds
            words = "not enough memory"
            if isinstance(error, OSError):  # a library's own has neither reason nor name
                words = ": ".join(filter(None, (error.strerror or type(error).__name__, error.filename)))
            typer.echo(f"pcref: the computer refused ({words}). Details (confidential): {_log(ctx, error)}", err=True)
            raise typer.Exit(1) from None
        except Exception as error:  # the last handler there is: its words may hold a row's value, and are not printed
            typer.echo(
                f"pcref: this is a fault of pcref, not of your data ({type(error).__name__}). What happened is in "
                f"{_log(ctx, error)} (confidential: it may hold values of rows). Please report it without those.",
                err=True,
            )
            raise typer.Exit(70) from None


app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)


def verb(example: str, **settings: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a function a verb of the command, with an example below its help."""
    return app.command(cls=Verb, epilog=f"Example: {example}", **settings)


def _runs(incomplete: str) -> list[str]:
    """Return the runs that the shell offers for completion."""
    from pcref_analysis.vocabulary.parameters import parameters_folder

    paths = parameters_folder().glob("*.yml")
    return sorted(p.stem for p in paths if p.stem.startswith(incomplete) and not p.stem.endswith("-indicators"))


HELP = "Name of a file in notebooks/parameters, or a path to one."
Run = Annotated[str | None, typer.Argument(metavar="RUN", help=HELP, autocompletion=_runs, show_default=False)]
Named = Annotated[str | None, typer.Option("--run", help="The run, by name.", autocompletion=_runs)]
Period = Annotated[str | None, typer.Option(help="Financial year that replaces the file's, e.g. 2022-23.")]


def say(line: str) -> None:
    """Print one line of progress at once."""
    typer.echo(line)
    sys.stdout.flush()


def _run(run: str | None, named: str | None, default: str = "demo") -> str:
    """Return the run that is meant: every verb takes it as a word, or as --run."""
    if run and named and run != named:
        raise PcrefError(f"two runs are named, '{run}' and '{named}'. Name one.")
    return run or named or default


def _name(run: str) -> str:
    """Return the name of a run that may be given as a path to its file."""
    return Path(run).stem if run.endswith((".yml", ".yaml")) else run


def _log(ctx: typer.Context, error: BaseException) -> str:
    """Write an error into the log of the run at hand and say where that is."""
    from pcref_analysis.vocabulary import private
    from pcref_analysis.vocabulary.parameters import shown

    run = ctx.params.get("run") or ctx.params.get("named") or "demo"
    try:
        return shown(private.log(_name(run), error))
    except OSError as refused:
        return f"no log ({type(refused).__name__})"


@verb("pcref report cpft --period 2022-23")
def report(
    run: Run = None,
    named: Named = None,
    period: Period = None,
    force: Annotated[bool, typer.Option(help="Make everything again, changed or not.")] = False,
) -> None:
    """Regenerate the published analysis: reports/RUN/index.html."""
    from pcref_analysis.vocabulary import parameters

    checked = parameters.load(_run(run, named), period=period)
    from pcref_analysis.report import unchanged

    with Progress(f"report {checked.run}").shown() as progress:
        if force or not unchanged.said(checked, progress):
            from pcref_analysis.report import pipeline

            pipeline.make(checked, progress, force=force)


@verb("pcref words cy demo")
def words(
    language: Annotated[str, typer.Argument(help="Code of a language: cy for Welsh, pl for Polish, ur for Urdu.")],
    run: Run = None,
    named: Named = None,
) -> None:
    """Write or renew the catalogue for a translator: notebooks/parameters/RUN-LANGUAGE.po."""
    from pcref_analysis.report import unchanged
    from pcref_analysis.report.pages import language as pages
    from pcref_analysis.vocabulary import parameters

    checked = parameters.load(_run(run, named))
    path, done, every = pages.update(unchanged.place(checked, ()), checked, language)
    say(f"words: {unchanged.shown(path)}: {done} of {every} sentences are translated; "
        f"after translating: pcref report {checked.run}")  # fmt: skip


@verb("pcref publish cpft")
def publish(run: Run = None, named: Named = None) -> None:
    """Publish a draft that two people have signed (notebooks/parameters/signed-by/RUN.yml)."""
    from pcref_analysis.vocabulary import parameters

    if not (run or named):
        raise PcrefError("publish: name the run whose draft is signed, such as: pcref publish cpft")
    checked = parameters.load(_run(run, named))
    from pcref_analysis.report import pipeline

    with Progress(f"publish {checked.run}").shown() as progress:
        pipeline.publish(checked, progress)


@verb("pcref attack reports/demo --previous reports/demo-2022-23")
def attack(
    folder: Annotated[str, typer.Argument(metavar="RUN|FOLDER", help="A run, or a folder with an edition.")] = "",
    named: Named = None,
    previous: Annotated[str | None, typer.Option(help="An earlier edition that readers have.")] = None,
) -> None:
    """Try to work out what an edition hides, from its files alone; 2 where something is found."""
    from pcref_analysis.publish import audit_command
    from pcref_analysis.vocabulary.parameters import report_folder
    from pcref_analysis.vocabulary.private import run_folder

    which = _run(folder or None, named)
    places = [Path(which), report_folder(_name(which)), run_folder(_name(which)) / "draft"]
    place = next((one for one in places if one.is_dir()), None)
    if place is None:
        raise PcrefError(f"attack: there is no folder '{which}', and no report or draft of that name.")
    raise typer.Exit(audit_command.attack(place.resolve(), Path(previous).resolve() if previous else None, say))


@verb("pcref review cpft")
def review(
    run: Annotated[str | None, typer.Argument(help="Review this run's executed notebooks; else the committed.")] = None,
    named: Named = None,
) -> None:
    """Run the notebooks again and compare every shown output (nbval)."""
    from pcref_analysis.publish import review as check

    with Progress("review").shown() as progress:
        status = check.review(run or named, progress)
    raise typer.Exit(status)


@verb("pcref priorities demo --csv list.csv")
def priorities(
    run: Run = None,
    named: Named = None,
    csv: Annotated[str, typer.Option(help="Write the list to this CSV file.")] = "",
    xlsx: Annotated[str, typer.Option(help="Write every table of the list to this workbook.")] = "",
    against: Annotated[str, typer.Option(help="Folder of another edition's report: what moved since.")] = "",
) -> None:
    """Print the published priorities list, write it to a file, or compare it with another edition's."""
    from pcref_analysis.report import list_export

    folder = list_export.folder_of(_name(_run(run, named)))
    say(list_export.against(folder, Path(against)) if against else list_export.as_text(folder))
    if csv:
        text = list_export.whole(folder).to_csv(index=False, lineterminator="\n")
        Path(csv).write_text(text, encoding="utf-8", newline="\n")
        say(f"priorities: {csv}")
    if xlsx:
        list_export.write_workbook(folder, Path(xlsx))
        say(f"priorities: {xlsx}")


@verb("pcref test tests/unit", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def test(context: typer.Context) -> None:
    """Run the test suite; further words go to pytest."""
    from pcref_analysis.vocabulary.parameters import project_root

    workers = ["-n", "2", "--dist", "loadfile", "-p", "no:nbval"]  # nbval takes seconds to import; the review has it
    raise typer.Exit(subprocess.call([sys.executable, "-m", "pytest", *workers, *context.args], cwd=project_root()))


@verb("pcref bench")
def bench() -> None:
    """Run the benchmarks side by side and write benchmarks/results.md: ratios, never a pass or fail."""
    from pcref_analysis.vocabulary.parameters import project_root

    root = project_root()
    raise typer.Exit(subprocess.call([sys.executable, str(root / "benchmarks" / "run.py")], cwd=root))


@verb("pcref lab")
def lab() -> None:
    """Open JupyterLab on the first notebook, with this project's environment as its kernel."""
    from pcref_analysis.vocabulary.parameters import project_root

    kernel = ["ipykernel", "install", "--sys-prefix", "--name", "python3", "--display-name", "PCREF analysis"]
    subprocess.run([sys.executable, "-m", *kernel], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    root = project_root()
    first = [f"--ServerApp.root_dir={root}", "--LabApp.default_url=/lab/tree/notebooks/00_recording.ipynb"]
    ours = {name: value for name, value in os.environ.items() if name != "JUPYTER_PATH"}  # others' kernels come first
    ours["JUPYTER_PREFER_ENV_PATH"] = "1"
    raise typer.Exit(subprocess.call([sys.executable, "-m", "jupyter", "lab", *first], cwd=root, env=ours))


@verb("pcref notebooks")
def notebooks() -> None:
    """Run the committed notebooks on the demo and keep their outputs in them (then look at the difference)."""
    from pcref_analysis.report import pipeline, run_notebooks
    from pcref_analysis.vocabulary import parameters, private

    pipeline.make(parameters.load("demo"), say)
    run_notebooks.refresh(private.run_folder("demo") / "notebooks", say)
    say("notebooks: the committed notebooks hold the demo's outputs")


@verb("pcref trace experience-gaps demo")
def trace(
    name: Annotated[str, typer.Argument(help="The id of a table, figure or sentence, as in tables/ID.csv.")],
    run: Run = None,
    named: Named = None,
) -> None:
    """Lead from a table or figure of a report to its notebook, cell, function, indicators and inputs."""
    from pcref_analysis.report import provenance
    from pcref_analysis.vocabulary.parameters import known_file, report_folder
    from pcref_analysis.vocabulary.private import run_folder

    which = _name(_run(run, named))
    published, draft = report_folder(which), run_folder(which) / "draft"
    if not (published.is_dir() or draft.is_dir()):
        known_file(_run(run, named))
    for line in provenance.trace(published if published.is_dir() or not draft.is_dir() else draft, name):
        say(line)


@verb("pcref check cpft")
def check(run: Run = None, named: Named = None, period: Period = None) -> None:
    """Name every fault of an extract at once: table, column, rule, number of rows, what to do."""
    from pcref_analysis import prepare
    from pcref_analysis.counting import availability
    from pcref_analysis.extract import validate
    from pcref_analysis.priorities import engagement
    from pcref_analysis.vocabulary import indicators, parameters

    checked = parameters.load(_run(run, named), period=period)
    engagement.digest(checked)
    availability.check_own(indicators.of_run(checked.run), checked.run)
    with Progress(f"check {checked.run}").shown() as progress:
        paste: list[str] = []
        breaches = prepare.check(checked, progress, paste.append)
    say(validate.render(breaches) if len(breaches) else "check: the extract keeps its contract")
    if paste:
        say("To map local codes, add these lines to the parameters, and check or fill each code:")
        say("\n".join(paste))
    for name in indicators.faulty():
        say(f"noted: {name} of another run has a fault: its indicators are left out; only that run stops")
    raise typer.Exit(2 if (breaches["severity"] == "stops").any() else 0)


@verb("pcref init RV5")
def init(
    code: Annotated[str, typer.Argument(help="ODS code of an NHS mental health Trust, such as RV5.")],
    open_data: Annotated[str, typer.Option(help="Folder of published figures.")] = "../shared/data/open",
    published: Annotated[bool, typer.Option(help="For a report on published figures alone.")] = False,
) -> None:
    """Write the parameters file of a mental health Trust: its name, board and sites; nothing is overwritten."""
    from pcref_analysis.published import trusts

    for line in trusts.init(code, open_data, published):
        say(line)


LISTS = "reports/national/national.csv"


@verb("pcref national")
def national(
    open_data: Annotated[str, typer.Option(help="Folder of published figures.")] = "../shared/data/open",
    csv: Annotated[str, typer.Option(help="Where the table is written.")] = LISTS,
    reports: Annotated[
        bool, typer.Option("--reports", help="Whole reports, one at a time; about a minute each.")
    ] = False,
    codes: Annotated[str, typer.Option(help="With --reports: these Trusts alone, such as RT1,RXM.")] = "",
) -> None:
    """Make the draft list of every mental health Trust from published figures, and a table of what each could say."""
    from pcref_analysis.report import national as every
    from pcref_analysis.vocabulary.parameters import project_path

    if codes and not reports:
        raise PcrefError("national: --codes goes with --reports; the lists are always those of every Trust.")
    with Progress("national").shown() as progress:
        if reports:
            csv = csv if csv != LISTS else LISTS.replace("national.csv", "reports.csv")
            wanted = [one.strip().upper() for one in codes.split(",") if one.strip()]
            found = every.reports(open_data, progress, wanted, project_path(csv))
        else:
            found = every.table(open_data, progress)
            every.write(found, project_path(csv))
    failed = int(found["error"].ne("").sum())
    say(f"national: {len(found) - failed} of {len(found)} Trusts; {csv}")
    raise typer.Exit(2 if failed else 0)


@verb("pcref doctor cpft")
def doctor(
    run: Run = None,
    named: Named = None,
    whole: Annotated[bool, typer.Option(help="Run the whole way on the first thousand people.")] = True,
) -> None:
    """Look at environment, extract and open figures; then run the whole way on the first thousand people."""
    from pcref_analysis.report import doctor as looks

    with Progress("doctor").shown() as progress:
        status = looks.doctor(_run(run, named), progress, whole)
    raise typer.Exit(status)


@verb("pcref open demo", name="open")
def show(run: Run = None, named: Named = None) -> None:
    """Open the report of a run (a draft where that is newer) in the browser, and print where it is."""
    import webbrowser

    from pcref_analysis.vocabulary.parameters import known_file, report_folder
    from pcref_analysis.vocabulary.private import run_folder

    which = _name(_run(run, named))
    places = [report_folder(which), *(run_folder(which) / name for name in ("draft", "internal"))]
    pages = [place / "index.html" for place in places if (place / "index.html").is_file()]
    if not pages:
        known_file(_run(run, named))
        raise PcrefError(f"open: there is no report of '{which}' yet. Make it with: pcref report {which}")
    page = max(pages, key=lambda path: path.stat().st_mtime)
    say(str(page))
    webbrowser.open(page.as_uri())


@verb("pcref help report", name="help")
def show_help(
    context: typer.Context, name: Annotated[str, typer.Argument(metavar="VERB", help="A verb.")] = ""
) -> None:
    """Print the help of the command, or of one of its verbs."""

    group: Any = context.parent
    if not name:
        say(group.get_help())
        return
    found = group.command.get_command(group, name)
    if found is None:
        hint = did_you_mean(name, group.command.list_commands(group))
        raise PcrefError(f"help: there is no verb '{name}'.{hint} pcref help lists them.")
    with type(group)(found, info_name=name, parent=group) as own:
        say(found.get_help(own))


@verb("pcref dictionary --html > dictionary.html")
def dictionary(html: Annotated[bool, typer.Option("--html", help="HTML instead of Markdown.")] = False) -> None:
    """Print the data dictionary: every table and column that an extract may hold."""
    from pcref_analysis.extract import dictionary as words

    say(words.html() if html else words.markdown())


@verb("pcref templates data/raw/cpft")
def templates(
    folder: Annotated[str, typer.Argument(help="Where to; nothing there is overwritten.")] = "data/raw/templates",
) -> None:
    """Write a blank CSV file and an annotated SQL Server query for each table."""
    from pcref_analysis.extract import dictionary as words
    from pcref_analysis.vocabulary.parameters import project_root

    paths = words.templates(project_root() / folder)
    say(f"templates: {len(paths)} files in {folder}")


@verb("pcref data cpft")
def data(run: Run = None, named: Named = None, period: Period = None) -> None:
    """Say which published figures are here and what they hold, which are wanted, and where they are published."""
    from pcref_analysis.store import open_data
    from pcref_analysis.vocabulary import parameters

    checked = parameters.load(_run(run, named, "published-cpft"), period=period)
    folder = open_data.open_data_folder(checked)
    for name, publisher in open_data.PUBLISHERS.items():
        say(f"  {name}: {open_data.contents(folder, name)} ({publisher}, {open_data.ADDRESSES[publisher]})")
    for line in open_data.besides(folder):
        say(f"  {line}")
    say(f"data: all {len(open_data.PUBLISHERS)} published files of '{folder.name}' are here")


@verb("pcref indicators --json")
def indicators(as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False) -> None:
    """List the indicator catalogue."""
    import json

    from pcref_analysis.vocabulary.indicators import catalogue, faulty

    entries = catalogue()
    for fault in faulty().values():
        typer.echo(f"noted: {fault}", err=True)
    if as_json:
        say(json.dumps({key: entry.model_dump(mode="json") for key, entry in entries.items()}, ensure_ascii=False))
        return
    for key, entry in entries.items():
        say(f"{key:38} {entry.domain:11} {entry.measure:8} {entry.name}")


@verb("pcref version")
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


def main() -> None:
    """Run the command; an error is a short message and a status (see :class:`Verb`), never a traceback."""
    streams: tuple[Any, ...] = (sys.stdout, sys.stderr)
    for stream in streams:
        stream.reconfigure(encoding="utf-8", errors="replace")  # a Windows console may default to a code page
    gc.set_threshold(50_000)  # many small objects that stay: looking for dead ones took a tenth of a run
    app(standalone_mode=True)


if __name__ == "__main__":
    main()
