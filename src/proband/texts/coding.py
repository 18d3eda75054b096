"""Coding as a kind: what stands under ``[coding]``."""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, StrictInt

from proband.designs.kind import Kind, Shared, Told
from proband.errors import DesignError, meant
from proband.files import Table
from proband.instruments.codebooks import load_codebook
from proband.instruments.codebooks.files import codebook_from_dict
from proband.seeds import rng_for
from proband.subjects.corpora import Corpus, CorpusReading, LongTexts, read_corpus
from proband.texts.backtest import BackTestTable, back_test
from proband.texts.coders import Coder
from proband.texts.design import Coding
from proband.texts.fragility.settings import FragilityTable
from proband.texts.gold.claims import ClaimTable
from proband.texts.gold.settings import GoldTable

_READ_NO_ORDER = ("learned", "dictionary", "codes", "seat", "terminal")  # that no order moves; people, asked once


class CorpusTable(Table):
    """Documents: a file with one a row, or a folder."""

    file: str = Field(
        examples=['file = "speeches.csv"'],
        description="`.csv`, `.tsv`, `.jsonl` (also `.gz`), `.parquet`, or a folder of `.txt`, `.md` and `.pdf` files",
    )
    id: str = Field(default="", description="column of ids; without one, documents are numbered from 1")
    text: str = Field(
        default="", description="column of the words; without one, a column called text, body or the like"
    )
    unit: str = Field(default="", description="column of what is independent of all others: author, source")
    date: str = Field(default="", description="column of the day")
    keep: list[str] | None = Field(default=None, description="columns that are kept beside these; by default all")
    blank: Literal["refuse", "leave_out"] = Field(default="refuse", description="documents that have no words")
    longest: StrictInt = Field(
        default=CorpusReading().longest, description="bytes of a document, above which a file is taken to be damaged"
    )
    near: bool | None = Field(
        default=None, description="whether near duplicates are looked for; by default among 100,000 documents at most"
    )
    separator: str = Field(default="", description="of a text file, where it is not the usual one")
    encoding: str = Field(default="", description="of a text file that is not UTF-8")
    sample: StrictInt | None = Field(default=None, description="how many documents to draw, each as likely")

    def read(self, folder: Path, seed: int, sample: int | None) -> Corpus:
        """The documents, or as many of them as are wanted."""
        how = CorpusReading(
            keep=None if self.keep is None else tuple(self.keep), blank=self.blank, longest=self.longest,
            near=self.near, separator=self.separator, encoding=self.encoding,
        )  # fmt: skip
        roles = {"id": self.id, "text": self.text, "unit": self.unit, "date": self.date}
        corpus = read_corpus(folder / self.file, **roles, how=how)
        size = self.sample if sample is None else sample
        if size is None:
            return corpus
        if not 1 <= size <= len(corpus):
            raise DesignError(f"coding.corpus.sample is {size}, and there are {len(corpus)} documents; take 1 to all")
        drawn = rng_for(seed, "documents").choice(len(corpus), size=size, replace=False)
        ids = corpus.columns["document"]
        return corpus.take([ids[int(k)] for k in sorted(drawn)])


class LongTable(Table):
    """Documents that are longer than is shown."""

    long: Literal["refuse", "head", "head_tail", "windows"] = Field(
        default="refuse",
        description="`refuse` it by name; show its `head`; its beginning and end (`head_tail`); or all of it, in "
        "`windows` that are coded one by one",
    )
    most: StrictInt = Field(default=8_000, description="characters that are shown at most")
    overlap: StrictInt = Field(default=0, description="characters of a window that stand in the next one as well")
    combine: Literal["mean", "any", "majority"] = Field(
        default="mean",
        description="code of a document with several windows: `mean` of their probabilities; a code holds if it holds "
        "in `any` window; or of the `majority`, none where two have equally many",
    )


class CoderTable(Table):
    """How a coder is asked."""

    answer_by: Literal["option_text", "option_text_mean", "label", "channel", "written"] = Field(
        default="option_text",
        description="`option_text`, `option_text_mean`, `label`: probabilities of the codes' texts (summed, or per "
        "token) or of their labels. `channel`: of the document, were it written for each code. `written`: a reply",
    )
    order: Literal["both", "rotations", "as_written", "reversed"] = Field(
        default="both",
        description="orders of the codes, all asked and averaged: `both` directions; `rotations`, each code first "
        "once; or only `as_written`, or only `reversed`",
    )
    labels: str = Field(default="auto", description="labels of the codes, as in `[survey]`")
    framing: str = Field(default="", description="what is said before the codebook, in place of the usual words")
    questions: list[str] = Field(default=[], description="ids of the questions that are asked; by default all")
    replicates: StrictInt = Field(default=1, description="repeats")
    temperature: float = Field(default=0.0, description="of written replies; 0 is greedy")
    max_tokens: StrictInt | None = Field(default=None, description="longest written reply; by default one that fits")


class CodingTable(CoderTable):
    """What is coded, by whom and how; keys of coders stand for all of them."""

    corpus: CorpusTable = Field(description="the documents")
    long: LongTable = Field(default=LongTable(), description="documents that are longer than is shown")
    coders: dict[str, CoderTable] = Field(
        default={}, description="role of `[engine]` -> how this coder is asked, where it differs"
    )
    prior_correction: bool = Field(
        default=False,
        description="take the mean log score of each code over the corpus off, so that a code is not given for what a "
        "coder says of any text",
    )
    gold: GoldTable = Field(
        default=GoldTable(), description="documents that people code, and what their codes are used for: `proband code`"
    )
    backtest: BackTestTable | None = Field(default=None, description="a series that codes are tested on")
    claims: list[ClaimTable] = Field(default=[], description="what is said of the documents, and corrected by gold")
    fragility: FragilityTable = Field(
        default=FragilityTable(), description="other ways of asking, under which claims are tried: `proband code`"
    )


def _make(shared: Shared, table: CodingTable) -> Coding:
    if shared.instrument is None:
        raise DesignError(f'{shared.where}: no codebook; name one, [instrument] use = "sentiment"')
    single = "" in shared.engines
    names = (list(table.coders) or ["coder"]) if single else list(shared.engines)
    for name in table.coders:
        if name not in names:
            raise DesignError(
                f"{shared.where}: coding.coders.{name} has no engine{meant(name, names)}; engines are given for "
                f'{", ".join(names)}: add {name} = "..." to [engine]'
            )
    shown: dict[str, Any] = table.model_dump(include=set(CoderTable.model_fields), exclude_unset=True)
    coders = []
    for name in names:
        own = table.coders[name].model_dump(exclude_unset=True) if name in table.coders else {}
        address = shared.engines.get("" if single else name, "")
        given = {"order": "as_written"} if address.partition(":")[0] in _READ_NO_ORDER else {}
        settings: dict[str, Any] = {**given, **shown, **own}
        settings["questions"] = tuple(settings.get("questions", ()))
        coders.append(Coder(name=name, **settings))
    corpus = table.corpus.read(shared.folder, shared.seed, shared.sample)
    tested = None
    if table.backtest is not None:
        tested = back_test(table.backtest, shared.folder, corpus, shared.instrument.items, names,
                           prior_correction=table.prior_correction)  # fmt: skip
    return Coding(
        codebook=shared.instrument,
        corpus=corpus,
        coders=tuple(coders),
        seed=shared.seed,
        title=shared.title,
        long=LongTexts(**table.long.model_dump()),
        prior_correction=table.prior_correction,
        backtest=tested,
    )


KIND = Kind(
    name="coding",
    about="documents coded under a codebook, by one or several coders",
    keys=CodingTable,
    make=_make,
    analyses=(
        "claims",
        "fragility",
        "drift",
        "backtest",
        "codes",
        "themes",
        "writers",
        "coder-agreement",
        "dispositions",
        "deviations",
    ),
    needs=frozenset({"instrument"}),
    takes=frozenset(),
    load=load_codebook,
    read=codebook_from_dict,
    samples=True,
    told=Told(
        subject="document",
        is_of_models=True,
        shows="which codes {subjects} get from {engine} under this codebook",
        hides="what other coders, wordings or codebooks would give",
        limits="Numbers that are called corrected are about the codes that people would give; all others describe the "
        "coder, and are no estimates of them.",
    ),
)
