"""Synthesis and answers: sentences over spans of which only those are printed that passed every check."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from proband.errors import DataError
from proband.literature.evidence.asking import Engine, collected, name_of
from proband.literature.evidence.checks import check
from proband.literature.evidence.judging import Judging, verdicts
from proband.literature.evidence.passages import central, near, spans_of
from proband.literature.evidence.sections import worth_of
from proband.literature.evidence.sentences import Check, Checked, Sentence, Shown
from proband.literature.evidence.writing import Writing, sentences_in
from proband.literature.queries.index import Index
from proband.literature.records.library import Library
from proband.literature.records.record import Record
from proband.literature.spans import Span, moved
from proband.measures.shares import wilson_interval
from proband.models.engine import BaseEngine

EXTRACT = "extract"
SAYS = 0.5  # share of a question that its best span must have: below, the corpus does not say
_FABRICATED: tuple[Check, ...] = ("exists", "agrees")
_SHOWN = 12  # spans an engine is shown
_READ = 200  # records, the nearest by the index, whose sentences are looked at


@dataclass(frozen=True, kw_only=True)
class Synthesis:
    """Sentences over spans, checked.

    Attributes
    ----------
    question : str
        What they are about or answer; empty: everything.
    by : str
        Who wrote them: `extract`, or the address of an engine.
    shown : Shown
        The spans that they could cite.
    checked : tuple of Checked
        Every sentence that was written, in its order, with what the checks made of it.
    library_hash : str
        Of the library they were written over.
    silence : str
        Why nothing is said, where nothing is.
    judge : str
        The engine that judged what the checks let through; empty where none did.
    """

    question: str
    by: str
    shown: Shown
    checked: tuple[Checked, ...]
    library_hash: str
    silence: str = ""
    judge: str = ""

    @property
    def sentences(self) -> tuple[Sentence, ...]:
        """Those that stand."""
        return tuple(found.sentence for found in self.checked if not found.failed)

    @property
    def removed(self) -> tuple[Checked, ...]:
        """Those that failed, with why."""
        return tuple(found for found in self.checked if found.failed)

    @property
    def cited(self) -> list[Record]:
        """Records that a sentence cites which stands, in the order cited."""
        spans = [span for sentence in self.sentences for span in self.shown.cited(sentence)]
        return [self.shown.records[id] for id in dict.fromkeys(span.record for span in spans)]

    @property
    def told(self) -> tuple[str, ...]:
        """What was written, removed and printed, in sentences.

        The first counts what is printed; it is true by construction, and by the checks. The interval is Wilson's, of
        how often this writer writes what its spans do not support.
        """
        n, standing = len(self.checked), len(self.sentences)
        if not n:
            return (self.silence or "Nothing was written.",)
        if self.by == EXTRACT and standing == n:
            return (
                f"Fabricated 0 of {n} sentences printed: each stands in its record, word for word; no model wrote.",
            )
        fabricated = sum(found.failed in _FABRICATED for found in self.checked)
        unsupported = sum(found.failed == "supports" for found in self.checked)
        low, high = wilson_interval(unsupported / n, n)
        judged = f", and {self.judge} as judge" if self.judge else ""
        printed = f"Fabricated 0 of {standing} sentences printed: each cites spans it was shown, which its record has."
        return (
            printed if standing else "No sentence is printed.",
            f"Of {n} written by {self.by}, {fabricated} had a reference that was invented or wrong, and {unsupported} "
            f"were not supported by their spans ({unsupported / n:.0%}, 95 % interval {low:.0%} to {high:.0%}; rules "
            f"of words{judged}); these {fabricated + unsupported} are removed.",
        )


def synthesise(
    library: Library,
    question: str = "",
    *,
    engine: Engine | None = None,
    n: int = 8,
    encoder: BaseEngine | None = None,
    judge: Engine | None = None,
    folder: Path | None = None,
) -> Synthesis:
    """Sum up what a library says, in sentences of which every one cites spans.

    Parameters
    ----------
    library : Library
        Its abstracts are what is summed up; `Library.take` cuts it to those included.
    question : str
        What the synthesis is about; by default whatever is central.
    engine : str or BaseEngine, optional
        Who writes, under a grammar in which citations are an enumeration of the spans shown; without one the most
        central sentences are taken as they stand, not repeating each other, at most two of a record.
    n : int
        Sentences, at most.
    encoder : BaseEngine, optional
        Gives sentence vectors, for centrality and as a further check.
    judge : str or BaseEngine, optional
        An engine that is asked of each sentence that passed whether its spans support it.
    folder : path, optional
        Where the runs of engines are kept, so that a synthesis that was stopped goes on; by default nowhere.
    """
    spans = _spans(library, question)
    worth, most = worth_of(library.corpus(), spans), n if engine is None else _SHOWN
    chosen = [span for span, _ in central(spans, most, question=question, encoder=encoder, worth=worth)]
    shown = Shown.of(library, chosen)
    return _written(library, question, shown, engine, n, encoder, judge, folder, is_answer=False)


def answered(
    library: Library,
    question: str,
    *,
    engine: Engine | None = None,
    n: int = 3,
    says: float = SAYS,
    encoder: BaseEngine | None = None,
    judge: Engine | None = None,
    folder: Path | None = None,
) -> Synthesis:
    """Answer a question from a library, or say that it does not say.

    Parameters
    ----------
    question : str
        In words that papers would use.
    says : float
        Share of the question, by its rarer words, that the nearest sentence and its title must have (or, with an
        encoder, their cosine); below it the answer is that the corpus does not say, and no engine is asked.
    library, engine, n, encoder, judge, folder
        As for `synthesise`.
    """
    if not question.strip():
        raise DataError("an empty question; ask one")
    spans = _spans(library, question)
    ranked = near(spans, [library[span.record].title for span in spans], question, encoder=encoder)
    enough, per_record = list[Span](), Counter[str]()
    for span, score in ranked:
        if score >= says and per_record[span.record] < 2 and len(enough) < (n if engine is None else _SHOWN):
            enough.append(span)
            per_record[span.record] += 1
    if not enough:
        best = f"its nearest sentence has {ranked[0][1]:.0%} of the question" if ranked else "it has no sentence"
        why = f"The corpus does not say: {best}, and {says:.0%} are needed."
        why += " Are the records in another language?" if ranked and not ranked[0][1] else ""
        return Synthesis(question=question, by=_name(engine), shown=Shown(spans=(), records={}), checked=(),
                         library_hash=library.content_hash, silence=why)  # fmt: skip
    return _written(library, question, Shown.of(library, enough), engine, n, encoder, judge, folder, is_answer=True)


def renewed(synthesis: Synthesis, library: Library, *, encoder: BaseEngine | None = None) -> Synthesis:
    """The same sentences over a library that was changed: spans are followed, and every check is made anew.

    Raises
    ------
    DataError
        If a record is gone, or words that are cited stand there no more; the record is named.
    """
    corpus = library.corpus()
    spans = [replace(moved(span, corpus), page=None) for span in synthesis.shown.spans]
    shown = Shown.of(library, spans)
    checked = check([found.sentence for found in synthesis.checked], shown, corpus, encoder=encoder)
    return replace(synthesis, shown=shown, checked=tuple(checked), library_hash=library.content_hash)


def _spans(library: Library, question: str) -> list[Span]:
    """Sentences of a library; where it is large, of the records nearest to a question."""
    is_large = question and len(library) > _READ
    return spans_of(library.corpus(), Index(library).ranked(question)[:_READ] if is_large else None)


def _written(
    library: Library, question: str, shown: Shown, engine: Engine | None, n: int, encoder: BaseEngine | None,
    judge: Engine | None, folder: Path | None, *, is_answer: bool,
) -> Synthesis:  # fmt: skip
    """Sentences over what is shown, checked."""
    remark = ""
    with TemporaryDirectory() as nowhere:
        home = folder or Path(nowhere)
        if engine is None:
            sentences = [Sentence(text=" ".join(span.text.split()), spans=(k,), by=EXTRACT)
                         for k, span in enumerate(shown.spans, start=1)]  # fmt: skip
        else:
            design = Writing(shown={question: shown}, n=n, is_answer=is_answer)
            run = collected(design, engine, home / ("answer" if is_answer else "synthesis"))
            (response,) = run.responses().values()
            sentences, remark = sentences_in(response)
        checked = check(sentences, shown, library.corpus(), encoder=encoder)
        if judge is not None:
            checked = _judged(checked, shown, judge, home / "judge")
    found = Synthesis(question=question, by=_name(engine), shown=shown, checked=tuple(checked),
                      library_hash=library.content_hash, judge=name_of(judge) if judge else "")  # fmt: skip
    if found.sentences:
        return found
    none = f"none of {len(sentences)} sentences stands" if sentences else f"{found.by} gave no sentence"
    does_not = "The corpus does not say" if is_answer else "Nothing can be said"
    return replace(found, silence=f"{does_not}: {remark or none}.")


def _judged(checked: Sequence[Checked], shown: Shown, judge: Engine, folder: Path) -> list[Checked]:
    """What a judge says of those that passed: one that it denies is removed too."""
    asked = {str(k): found.sentence for k, found in enumerate(checked, start=1) if not found.failed}
    if not asked:
        return list(checked)
    said: Mapping[str, str] = verdicts(collected(Judging(sentences=asked, shown=shown), judge, folder))
    return [
        replace(found, failed="supports", why=f"{name_of(judge)} as judge: {said[str(k)]}") if str(k) in said else found
        for k, found in enumerate(checked, start=1)
    ]


def _name(engine: Engine | None) -> str:
    return EXTRACT if engine is None else name_of(engine)
