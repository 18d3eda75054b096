"""Banks from files, folders, a hub, or embedded ones by name."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from proband.errors import DataError, DesignError
from proband.instruments.banks.bank import Bank, Question
from proband.instruments.banks.embedded import EMBEDDED, embedded_bank
from proband.instruments.banks.formats import Draft, Format, draft_of, format_of, medmcqa_count
from proband.instruments.banks.sources import HUB, Row, rows_of, stem_of
from proband.instruments.banks.subjects import FOLDER_DOMAINS, MMLU_CATEGORIES, XIEZHI_DOMAINS

REST = "*"
"""Key of a map of domains for the subjects that it does not name."""


def load_bank(
    source: str | Path,
    *,
    format: Format = "auto",
    domains: Mapping[str, str] | None = None,
    domain: str = "",
    splits: Iterable[str] = (),
    drop_unfit: bool = False,
) -> Bank:
    """Read a bank of multiple-choice questions.

    Known by their fields are MMLU (its headerless tables, JSON lines, parquet), MedMCQA, Xiezhi, OpenTriviaQA (its
    text, JSON lines), and the generic record ``{question, choices, answer, explanation, domain, topic, id}``, whose
    answer is an index from 0, a letter, or the text of an option. Any file may be compressed (``.gz``). A Xiezhi item
    with several labels of the map becomes one question in each of their domains, as in Ren et al. (2024): see `leaks`.

    Questions come in the order of the files.

    Parameters
    ----------
    source : str or Path
        A file, a folder (all its files, in the order of their names), ``hub:OWNER/NAME`` or ``hub:OWNER/NAME#CONFIG``
        (needs the `datasets` package and a hub that can be reached), or the name of an embedded bank.
    format : str
        How records are read; by default by their fields, record by record. MedMCQA's own files count keys from 1
        ("medmcqa"), its copy on the hub from 0 ("medmcqa-hub").
    domains : mapping of str to str, optional
        Subject (MMLU), subject_name (MedMCQA), label (Xiezhi), or topic, subject or category (others) -> domain, in
        place of what the records name. ``"*"`` stands for the rest; without it, MMLU subjects that are not named
        take MMLU's own category, and others are unfit. By default the records' own domains, and for MMLU
        `REN2024_DOMAINS` with MMLU's categories for the rest.
    domain : str
        Of the questions for which nothing else names one. Without it, those of a file that is named by its split alone
        (``history/test.jsonl``) take the name of its folder, as in the files of Ren et al. (2024).
    splits : iterable of str
        Only these splits, e.g. ``["test"]``, by the record's field or the name of its file or folder.
    drop_unfit : bool
        Leave out what cannot be used, with the reasons in `Bank.left_out`, instead of refusing the bank.

    Raises
    ------
    DataError
        If a record is damaged or unfit - two right answers, an answer outside the options, a field missing, an id
        used twice - and `drop_unfit` is off, naming file and line; or if nothing is left.
    DesignError
        If `domains` names subjects that the source does not have.

    References
    ----------
    Ren et al. (2024), Learning or Self-aligning? Rethinking Instruction Fine-tuning, arXiv:2402.18243.
    Hendrycks et al. (2021), Measuring Massive Multitask Language Understanding, arXiv:2009.03300.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> line = '{"question": "Which is a metal?", "choices": ["iron", "neon"], "answer": "A"}'
    >>> with TemporaryDirectory() as folder:
    ...     written = Path(folder, "metals.jsonl").write_text(line)
    ...     load_bank(Path(folder, "metals.jsonl"), domain="chemistry")["metals/1"].answer
    0
    """
    if isinstance(source, str) and source in EMBEDDED:
        return embedded_bank(source)
    questions: dict[str, Question] = {}
    left_out: list[str] = []
    subjects: set[str] = set()
    kept = frozenset(splits)
    for row, draft in _drafts(rows_of(source), format):
        if isinstance(draft, DataError):
            left_out.append(f"{row.where}: {draft}")
            continue
        subjects.update(draft.subjects or ((draft.folder,) if draft.folder else ()))
        if kept and draft.split not in kept:
            continue
        try:
            for question in _questions(draft, domains, domain):
                if question.id in questions:
                    raise DataError(f"the id {question.id!r} was used before; make ids unique")
                questions[question.id] = question
        except DataError as error:
            left_out.append(f"{row.where}: {error}")
    _check_names(domains, subjects)
    if left_out and not drop_unfit:
        more = f" (and {len(left_out) - 1} more)" if len(left_out) > 1 else ""
        raise DataError(f"{left_out[0]}{more}; mend the file, or leave such questions out with drop_unfit=True")
    if not questions:
        of_splits = f" in the splits {', '.join(sorted(kept))}" if kept else ""
        why = f"; the first was refused: {left_out[0]}" if left_out else ""
        way_out = (
            f"; a split goes by the name of its file or folder, e.g. {min(kept)}.jsonl" if kept and not why else ""
        )
        raise DataError(f"{source} has no usable question{of_splits}{why}{way_out}")
    is_hub = str(source).startswith(HUB)
    return Bank(
        name=str(source).removeprefix(HUB) if is_hub else stem_of(Path(source)),
        questions=tuple(questions.values()),
        # Not the whole path: the same bank read elsewhere is the same bank.
        source=str(source) if is_hub else Path(source).name,
        left_out=tuple(left_out),
    )


def _drafts(rows: Sequence[Row], format: Format) -> Iterator[tuple[Row, Draft | DataError]]:
    """Every row with what it says, or with why it cannot be read."""
    medmcqa: Format = medmcqa_count(rows) if format == "auto" else format
    for row in rows:
        try:
            is_medmcqa = format == "auto" and not row.damage and format_of(row) == "medmcqa"
            yield row, draft_of(row, medmcqa if is_medmcqa else format)
        except DataError as error:
            yield row, error


def _domains_of(draft: Draft, domains: Mapping[str, str] | None) -> tuple[str, ...]:
    if domains is None:
        return draft.domains
    subjects = draft.subjects or ((draft.folder,) if draft.folder else ())
    named = tuple(dict.fromkeys(domains[subject] for subject in subjects if subject in domains))
    if named:
        return named
    if REST in domains:
        return (domains[REST],)
    categories = tuple(MMLU_CATEGORIES[subject] for subject in draft.subjects if subject in MMLU_CATEGORIES)
    if categories:
        return categories
    raise DataError(f"`domains` names none of {', '.join(draft.subjects) or 'its (missing) subject'}; add it, or '*'")


def _questions(draft: Draft, domains: Mapping[str, str] | None, domain: str) -> Iterator[Question]:
    of_folder = FOLDER_DOMAINS.get(draft.folder, draft.folder)
    named = _domains_of(draft, domains) or (domain or of_folder,)  # an empty one is refused by the question
    for name in named:
        yield Question(
            id=draft.id if len(named) == 1 else f"{draft.id}/{name}",
            text=draft.text,
            choices=draft.choices,
            answer=draft.answer,
            domain=name,
            topic=draft.topic,
            explanation=draft.explanation,
        )


def _check_names(domains: Mapping[str, str] | None, subjects: set[str]) -> None:
    """Refuse a map with a slip of the pen; subjects of the known maps may be absent from a part of the data."""
    unknown = set(domains or ()) - subjects - MMLU_CATEGORIES.keys() - XIEZHI_DOMAINS.keys() - {REST}
    if unknown:
        raise DesignError(
            f"`domains` names {', '.join(map(repr, sorted(unknown)))}, which no question has; "
            f"there are {', '.join(sorted(subjects)[:8]) or 'no subjects'}{' ...' if len(subjects) > 8 else ''}"
        )
