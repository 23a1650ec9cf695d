"""``pcref``: a thin door for people; the Makefile calls it, and so do Windows users."""

from __future__ import annotations

import subprocess
import sys
from typing import Annotated

import typer

from pcref_analysis import __version__
from pcref_analysis.vocabulary.errors import PcrefError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
Run = Annotated[str, typer.Option(help="Name of a file in notebooks/parameters, or a path to one.")]
Period = Annotated[str | None, typer.Option(help="Financial year that replaces the file's, e.g. 2022-23.")]


def say(line: str) -> None:
    """Print one line of progress at once."""
    typer.echo(line)
    sys.stdout.flush()


@app.command()
def report(
    run: Run = "demo",
    period: Period = None,
    force: Annotated[bool, typer.Option(help="Make everything again, changed or not.")] = False,
) -> None:
    """Regenerate the published analysis: reports/RUN/index.html."""
    from pcref_analysis.vocabulary import parameters

    checked = parameters.load(run, period=period)
    from pcref_analysis.release import report as story

    story.make(checked, say, force=force)


@app.command()
def publish(run: Annotated[str, typer.Argument(help="Name of a file in notebooks/parameters.")]) -> None:
    """Publish a draft that two people have signed (notebooks/parameters/signed-by/RUN.yml)."""
    from pcref_analysis.vocabulary import parameters

    checked = parameters.load(run)
    from pcref_analysis.release import report as story

    story.publish(checked, say)


@app.command()
def attack(
    folder: Annotated[str, typer.Argument(help="A published edition, e.g. reports/demo.")],
    previous: Annotated[str | None, typer.Option(help="An earlier edition that readers have.")] = None,
) -> None:
    """Try to work out what an edition hides, from its files alone; 2 where something is found."""
    from pathlib import Path

    from pcref_analysis.release import inspection

    raise typer.Exit(inspection.attack(Path(folder).resolve(), Path(previous).resolve() if previous else None, say))


@app.command()
def review(
    run: Annotated[str | None, typer.Option(help="Review this run's executed notebooks; else the committed.")] = None,
) -> None:
    """Run the notebooks again and compare every shown output (nbval)."""
    from pcref_analysis.release import review as check

    raise typer.Exit(check.review(run, say))


@app.command()
def priorities(
    run: Annotated[str, typer.Argument(help="A run whose report is made.")] = "demo",
    csv: Annotated[str, typer.Option(help="Write the list to this CSV file.")] = "",
    xlsx: Annotated[str, typer.Option(help="Write every table of the list to this workbook.")] = "",
    against: Annotated[str, typer.Option(help="Folder of another edition's report: what moved since.")] = "",
) -> None:
    """Print the published priorities list, write it to a file, or compare it with another edition's."""
    from pathlib import Path

    from pcref_analysis.release import listing

    folder = listing.folder_of(run)
    say(listing.against(folder, Path(against)) if against else listing.as_text(folder))
    if csv:
        listing.whole(folder).to_csv(csv, index=False, encoding="utf-8", lineterminator="\n")
        say(f"priorities: {csv}")
    if xlsx:
        listing.write_workbook(folder, Path(xlsx))
        say(f"priorities: {xlsx}")


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def test(context: typer.Context) -> None:
    """Run the test suite; further words go to pytest."""
    from pcref_analysis.vocabulary.parameters import project_root

    raise typer.Exit(
        subprocess.call(
            [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadfile", *context.args], cwd=project_root()
        )
    )


@app.command()
def bench() -> None:
    """Run the benchmarks side by side: ratios measured in one run, never a pass or fail."""
    from pcref_analysis.vocabulary.parameters import project_root

    for name, *words in (["rates.py"], ["regression.py"], ["priorities.py", "--trusts", "0", "--speed"]):
        say(f"bench: {name}")
        subprocess.call([sys.executable, str(project_root() / "benchmarks" / name), *words], cwd=project_root())


@app.command()
def lab() -> None:
    """Open JupyterLab on the first notebook, with this project's environment as its kernel."""
    from pcref_analysis.vocabulary.parameters import project_root

    kernel = ["ipykernel", "install", "--sys-prefix", "--name", "python3", "--display-name", "PCREF analysis"]
    subprocess.run([sys.executable, "-m", *kernel], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    root = project_root()
    first = [f"--ServerApp.root_dir={root}", "--LabApp.default_url=/lab/tree/notebooks/00_recording.ipynb"]
    raise typer.Exit(subprocess.call([sys.executable, "-m", "jupyter", "lab", *first], cwd=root))


@app.command()
def notebooks() -> None:
    """Run the committed notebooks on the demo and keep their outputs in them (then look at the difference)."""
    from pcref_analysis.release import execution
    from pcref_analysis.release import report as story
    from pcref_analysis.vocabulary import parameters
    from pcref_analysis.vocabulary.parameters import project_root

    story.make(parameters.load("demo"), say)
    execution.refresh(project_root() / "data" / "processed" / "demo" / "notebooks", say)
    say("notebooks: the committed notebooks hold the demo's outputs")


@app.command()
def trace(
    name: Annotated[str, typer.Argument(help="The id of a table, figure or sentence, as in tables/ID.csv.")],
    run: Run = "demo",
) -> None:
    """Lead from a table or figure of a report to its notebook, cell, function, indicators and inputs."""
    from pcref_analysis.release import crate
    from pcref_analysis.vocabulary.parameters import project_root

    published, draft = (project_root() / place for place in (f"reports/{run}", f"data/processed/{run}/draft"))
    for line in crate.trace(published if published.is_dir() or not draft.is_dir() else draft, name):
        say(line)


@app.command()
def check(run: Run = "demo") -> None:
    """Name every fault of an extract at once: table, column, rule, number of rows, what to do."""
    from pcref_analysis.intake import contracts, prepare
    from pcref_analysis.vocabulary import parameters

    breaches = prepare.check(parameters.load(run), say)
    say(contracts.render(breaches) if len(breaches) else "check: the extract keeps its contract")
    raise typer.Exit(2 if (breaches["severity"] == "stops").any() else 0)


@app.command()
def dictionary(html: Annotated[bool, typer.Option("--html", help="HTML instead of Markdown.")] = False) -> None:
    """Print the data dictionary: every table and column that an extract may hold."""
    from pcref_analysis.intake import dictionary as words

    say(words.html() if html else words.markdown())


@app.command()
def templates(
    folder: Annotated[str, typer.Argument(help="Where to; nothing there is overwritten.")] = "data/raw/templates",
) -> None:
    """Write a blank CSV file and an annotated SQL Server query for each table."""
    from pcref_analysis.intake import dictionary as words
    from pcref_analysis.vocabulary.parameters import project_root

    paths = words.templates(project_root() / folder)
    say(f"templates: {len(paths)} files in {folder}")


@app.command()
def data(run: Run = "published-cpft", period: Period = None) -> None:
    """Say which published figures are here, which are wanted, and who publishes them."""
    from pcref_analysis.intake import open_data
    from pcref_analysis.vocabulary import parameters

    checked = parameters.load(run, period=period)
    folder = open_data.open_data_folder(checked)
    for name, publisher in open_data.PUBLISHERS.items():
        say(f"  {name}: here ({publisher})")
    say(f"data: all {len(open_data.PUBLISHERS)} published files of '{folder.name}' are here")


@app.command()
def indicators(as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False) -> None:
    """List the indicator catalogue."""
    import json

    from pcref_analysis.vocabulary.indicators import catalogue

    entries = catalogue()
    if as_json:
        say(json.dumps({key: entry.model_dump(mode="json") for key, entry in entries.items()}, ensure_ascii=False))
        return
    for key, entry in entries.items():
        say(f"{key:38} {entry.domain:11} {entry.measure:8} {entry.name}")


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


def main() -> None:
    """Run the command; an error that people can mend is a short message and status 2, never a traceback."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="replace")  # a Windows console may default to a code page
    try:
        app(standalone_mode=True)
    except PcrefError as error:
        typer.echo(f"pcref: {error}", err=True)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
