"""Sending files of events."""

import json
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import accumulate
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from dukao import yamls
from dukao.adoption import adopted_types
from dukao.checking import check_mapping, paper_of, shaped
from dukao.client import Client
from dukao.feeds import STDIN, Feed, Form, Moved, Row
from dukao.options import Output, examples, state_of
from dukao.output import Format, say, stderr
from dukao.reports import reading, report_tally, stop_at
from dukao.resuming import Position, position_of
from dukao.sending import LARGEST_BATCH_EVENTS, Fault, Sender, Tally
from services.ingest.domain.catalogue import CatalogueDocument
from services.ingest.domain.mapping import FeedMapping, compile_mapping
from services.ingest.domain.mapping_document import MappingDocument

app = typer.Typer()


def _there(files: list[Path]) -> list[Path]:
    """Refuse what is no file; typer's own check would look for a file that is named `-`."""
    missing = [str(file) for file in files if file != STDIN and (file.is_dir() or not file.exists())]
    if missing:
        raise typer.BadParameter(f"there is no file {missing[0]}")
    return files


Files = Annotated[
    list[Path], typer.Argument(callback=_there, metavar="FILE", help="Plain or gzip; - is stdin.")
]
MappingFile = Annotated[
    Path | None,
    typer.Option(
        exists=True, dir_okay=False, show_default=False, help="How rows of another system become events."
    ),
]
Batch = Annotated[int, typer.Option(min=1, max=LARGEST_BATCH_EVENTS, help="Events in one request.")]
Source = Annotated[
    str | None,
    typer.Option(show_default=False, help="The source, in place of what the rows or the mapping say."),
]
FormOption = Annotated[
    Form | None, typer.Option("--format", show_default=False, help="In place of what the mapping says.")
]
Resume = Annotated[
    Path | None,
    typer.Option(
        dir_okay=False,
        show_default=False,
        help="Keep in this file how far it is, and go on from there if it is there already.",
    ),
]
Refusals = Annotated[
    Path | None,
    typer.Option(
        dir_okay=False, show_default=False, help="Add every fault to this file, a line of JSON each."
    ),
]
First = Annotated[int, typer.Option(min=0, max=1000, help="How many faults are named; all are counted.")]


@app.command(
    epilog=examples(
        "dukao send events.ndjson.gz",
        "dukao send cases_*.csv.gz --mapping samples/boston311/mapping-cases.yaml",
        "dukao send events.ndjson --resume events.position --refusals events.refused.ndjson",
        "other-system export | dukao send - --mapping mapping.yaml --output json",
    )
)
def send(
    ctx: typer.Context,
    files: Files,
    mapping: MappingFile = None,
    batch: Batch = LARGEST_BATCH_EVENTS,
    source: Source = None,
    form: FormOption = None,
    *,
    resume: Resume = None,
    refusals: Refusals = None,
    first: First = 20,
    output: Output = Format.TABLE,
) -> None:
    """Send files of events to ingest and say what became of them.

    Without a mapping each line is a CloudEvent; with one, each row becomes the events that the mapping says.
    A busy or restarting ingest is tried again for three minutes, after the time that it asks for; where time
    comes from the feed nothing overtakes meanwhile. To go on after a stop, send again: what is in already is
    answered as a duplicate, and with --resume it is not even sent. With --resume a last line that has no end
    may be half written and is left to the next sending. A fault of a row that is sent again stands twice in
    --refusals. Ends with 6 if a row gives no events, or an event was rejected or contradicts what is in.
    """
    _check(files, mapping, form, resume)
    position = None if resume is None else position_of(resume, files)
    with Client(state_of(ctx)) as client:
        feed = _feed(client, mapping, form, source, output)
        with _progress(files) as progress, _faults(refusals) as heard:
            sender = Sender(
                client.bases["ingest"],
                client.tokens,
                batch,
                _moved(progress, position),
                heard=heard,
                resume_at=0 if position is None else position.rows,
                in_order=client.in_order,
            )
            _send(sender, _rows(feed, files, progress, position), position)
    report_tally(sender.tally, first, output)


def _check(files: Sequence[Path], mapping: Path | None, form: Form | None, resume: Path | None) -> None:
    """Refuse options that do not go together."""
    if form == "csv" and mapping is None:
        raise typer.BadParameter("a CSV needs a mapping", param_hint="--format")
    if resume is not None and STDIN in files:
        raise typer.BadParameter("stdin cannot be read again from where it was", param_hint="--resume")


@contextmanager
def _faults(path: Path | None) -> Generator[Callable[[Fault], None]]:
    """Return what hears of faults; each is in the file before the position moves over its row."""
    if path is None:
        yield lambda _fault: None
        return
    with path.open("a", encoding="utf-8", buffering=1) as file:
        yield lambda fault: print(json.dumps(asdict(fault), ensure_ascii=False), file=file)


@dataclass(slots=True)
class _Progress:
    """How far the files are read, shown whenever a batch is answered."""

    bar: Progress
    task: TaskID
    starts: Sequence[int]
    at: int = 0

    def mover(self, place: int) -> Moved:
        """Return what hears of the bytes read of a file."""

        def moved(read: int) -> None:
            self.at = self.starts[place] + read

        return moved

    def show(self, tally: Tally) -> None:
        """Move the bar."""
        self.bar.update(self.task, completed=self.at, answered=tally.answered)


@contextmanager
def _progress(files: Sequence[Path]) -> Generator[_Progress]:
    sizes = [0 if file == STDIN else file.stat().st_size for file in files]
    console = stderr()
    shown = (BarColumn(), DownloadColumn(), TextColumn("{task.fields[answered]} events"), TimeElapsedColumn())
    with Progress(*shown, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None if STDIN in files else sum(sizes), answered=0)
        yield _Progress(bar, task, [0, *accumulate(sizes)])


def _rows(feed: Feed, files: Sequence[Path], progress: _Progress, position: Position | None) -> Iterator[Row]:
    """Yield the rows of all files; the last may grow yet where a position is kept."""
    for place, file in enumerate(files):
        growing = position is not None and file is files[-1]
        yield from feed.rows(file, progress.mover(place), growing=growing)


def _moved(progress: _Progress, position: Position | None) -> Callable[[Tally], None]:
    """Return what hears of every batch that is answered: the bar, and the position if one is kept."""

    def moved(tally: Tally) -> None:
        progress.show(tally)
        if position is not None:
            position.keep(tally.done)

    return moved


def _send(sender: Sender, rows: Iterator[Row], position: Position | None) -> None:
    """Send rows; however that ends, the position is written."""
    try:
        sender.send(rows)
    except BaseException:
        say(f"stopped after {sender.tally.answered} events; send again to go on, doubles do no harm")
        raise
    finally:
        if position is not None:
            position.write()


def _feed(
    client: Client, mapping: Path | None, form: Form | None, source: str | None, output: Format
) -> Feed:
    if mapping is None:
        return Feed(form=form or "ndjson", source=source)
    compiled = _compiled(client, mapping, source, output)
    return Feed(compiled, form or compiled.document.format, compiled.document.encoding)


def _compiled(client: Client, mapping: Path, source: str | None, output: Format) -> FeedMapping:
    """Return a mapping that passes every check beside the catalogue in force; findings end the command."""
    with reading(mapping, output):
        paper = paper_of(yamls.read(mapping))
        document, found = shaped(paper, MappingDocument, "mapping")
        stop_at(found, mapping, output)
        assert document is not None
        if source is not None:
            document = document.model_copy(update={"source": source})
        catalogue = CatalogueDocument.model_validate(adopted_types(client))
        stop_at(check_mapping(paper, document, catalogue), mapping, output)
        return compile_mapping(document, catalogue)
    raise AssertionError("what cannot be read has ended the command")
