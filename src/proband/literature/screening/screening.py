"""Screening as a kind: what stands under ``[screening]``."""

from typing import Any, Literal

from pydantic import Field, StrictInt, model_validator

from proband.addresses.opening import is_person
from proband.designs.kind import Kind, Shared, Told
from proband.errors import DesignError, ProbandError, meant
from proband.files import Table
from proband.instruments.codebooks import load_codebook
from proband.instruments.codebooks.files import codebook_from_dict
from proband.literature.records.library import Library, read_library
from proband.literature.review.settings import ReviewTable
from proband.literature.screening.design import Screening
from proband.literature.screening.ranker import AUTO, LARGEST
from proband.literature.screening.stopping import Stop
from proband.texts.coders import Coder

_ASKED = {"answer_by", "order", "labels", "framing", "temperature", "max_tokens"}  # how a screener is asked


class StopTable(Table):
    """When reading ends; the first rule that says so ends it."""

    recall: float | None = Field(
        default=None,
        examples=["recall = 0.95"],
        description="share of the included records that is to be found, by a test that may be looked at all the time",
    )
    level: float = Field(default=0.95, description="how sure that is to be")
    misses: StrictInt = Field(default=0, description="so many excluded in a row; says nothing of recall")
    records: StrictInt = Field(default=0, description="so many read")

    @model_validator(mode="after")
    def _is_a_rule(self) -> "StopTable":
        try:
            Stop(**self.model_dump())
        except ProbandError as error:
            raise ValueError(str(error)) from None
        return self


class KnownTable(Table):
    """Records that were decided before: they are learned from, and not read."""

    include: list[str] = Field(default=[], description="ids of records that are in")
    exclude: list[str] = Field(default=[], description="ids of records that are out")


class ScreeningTable(Table):
    """What is screened, by whom and until when."""

    records: str | list[str] = Field(
        min_length=1, examples=['records = "export.ris"'], description="files of records, as `read_library` takes them"
    )
    column: str = Field(
        default="", description="column of the records' file with decisions, which the engine `labelled` gives"
    )
    answer_by: Literal["option_text", "option_text_mean", "label", "written"] = Field(
        default="option_text", description="how models answer, as in `[coding]`"
    )
    order: Literal["both", "rotations", "as_written", "reversed"] = Field(
        default="as_written", description="orders of the codes, all asked and averaged, as in `[coding]`"
    )
    labels: str = Field(default="auto", description="labels of the codes, as in `[survey]`")
    framing: str = Field(default="", description="what is said before the criteria, in place of the usual words")
    temperature: float = Field(default=0.0, description="of written replies; 0 is greedy")
    max_tokens: StrictInt | None = Field(default=None, description="longest written reply; by default one that fits")
    decider: str = Field(
        default="", description="role that reads what the screeners differ on; without one, that stays in"
    )
    people: list[str] | None = Field(
        default=None,
        description="screeners who are persons; by default those of terminal, human:, seat, labels:, labelled and "
        "codes:",
    )
    excludes: list[str] = Field(
        default=[], description='codes that keep a record out; by default "No" and those that begin with "Exclude"'
    )
    known: KnownTable = Field(default=KnownTable(), description="records that were decided before")
    stop: StopTable = Field(default=StopTable(), description="when reading ends; by default when all is read")
    audit: StrictInt = Field(
        default=0, description="records drawn at random from those left unread, and read at the end"
    )
    batch: StrictInt = Field(default=LARGEST, description="records at most that are read before they are ranked anew")
    encoder: str = Field(
        default=AUTO,
        description="what gives sentence vectors for ranking; `auto` is `minilm` where it is installed, `none` ranks "
        "by words alone",
    )
    expected: StrictInt = Field(
        default=0, description="included records that are expected, for what a plan says of costs"
    )
    review: ReviewTable | None = Field(
        default=None, description="the review it belongs to, `[review]` at the top of the file: `proband review`"
    )

    @property
    def files(self) -> list[str]:
        """Files of records."""
        return [self.records] if isinstance(self.records, str) else self.records


def _make(shared: Shared, table: ScreeningTable) -> Screening:
    if shared.instrument is None:
        raise DesignError(f'{shared.where}: no criteria; name a codebook, [instrument] use = "criteria.toml"')
    single = "" in shared.engines
    names = ["screener"] if single else list(shared.engines)
    if table.decider and (single or table.decider not in names):
        raise DesignError(
            f"{shared.where}: screening.decider = {table.decider!r} has no engine{meant(table.decider, names)}; add "
            f'{table.decider} = "..." to [engine], beside the screeners'
        )
    settings: dict[str, Any] = table.model_dump(include=_ASKED)
    coders = {name: Coder(name=name, **settings) for name in names}
    library = read_library(*(shared.folder / name for name in table.files))
    persons = [name for name in names if is_person(shared.engines.get("" if single else name, ""))]
    return Screening(
        library=_sampled(library, shared.sample),
        criteria=shared.instrument,
        screeners=tuple(coder for name, coder in coders.items() if name != table.decider),
        decider=coders.get(table.decider),
        people=tuple(persons if table.people is None else table.people),
        excludes=tuple(table.excludes),
        known={**dict.fromkeys(table.known.include, True), **dict.fromkeys(table.known.exclude, False)},
        stop=Stop(**table.stop.model_dump()),
        audit=table.audit,
        batch=table.batch,
        encoder=table.encoder,
        column=table.column,
        expected=table.expected,
        seed=shared.seed,
        title=shared.title,
    )


def _sampled(library: Library, sample: int | None) -> Library:
    """The first so many records, for a trial run."""
    if sample is None:
        return library
    if not 1 <= sample <= len(library):
        raise DesignError(f"a sample of {sample} records, and there are {len(library)}; take 2 to all")
    return library.take(list(library.records)[:sample])


KIND = Kind(
    name="screening",
    about="records of a literature review, screened under criteria until enough was read",
    keys=ScreeningTable,
    make=_make,
    analyses=("screening", "dispositions", "deviations"),
    needs=frozenset({"instrument"}),
    takes=frozenset(),
    load=load_codebook,
    read=codebook_from_dict,
    samples=True,
    beside=("review",),
    told=Told(
        subject="record",
        is_of_models=True,
        shows="what {engine} decided of these records under these criteria",
        hides="what other screeners or criteria would let in",
        limits="Recall is about the records that these screeners would include; what no search found is not in it.",
    ),
)
