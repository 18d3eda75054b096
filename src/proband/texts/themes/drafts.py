"""Drafts of codebooks: themes that were found, as a file that people edit; its passages stay with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from proband.errors import DataError, InstrumentError
from proband.files import checked, in_toml, parsed, text_of
from proband.instruments.codebooks import Codebook
from proband.instruments.codebooks.files import CodebookEntry, codebook_from_dict, merged
from proband.subjects.corpora import Corpus
from proband.texts.gold.tables import read_table, table_text, write_text
from proband.texts.themes.coded import Quote, ThemeCodes
from proband.texts.themes.induction import Floats, Groups, Ints
from proband.texts.themes.passages import Passage

QUESTION = "themes"
_SHOWN = 3  # typical passages
_DOUBTFUL = 2  # of each kind of passage that speaks against a theme
_HEAD = """\
# Draft of a codebook: {k} themes of {corpus}, from vectors by {encoder}. Nobody has read them yet. Edit this file:
# rename a label, write its definition; give two codes the same label to make them one; delete a code to drop it.
# Leave `groups`: it says which passages (in {passages}) a code has. Then run the same command again.
id = {id}
title = {title}
introduction = {introduction}
source = {source}

[[questions]]
id = "{question}"
text = "Which of these themes does the text speak of?"
form = "multiple"
"""
_CODE = """
[[questions.codes]]
label = {label}
definition = {definition}
examples = [
{examples}]
groups = {groups}
drafted = {drafted}
"""


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A draft as it was edited, with the passages that it was made from.

    Attributes
    ----------
    codebook : Codebook
        As `load_codebook` reads the file.
    groups : mapping of str to tuple of int
        By label, the groups that it is made of; several where themes were merged, none where somebody wrote it anew.
    drafted : mapping of str to str
        By label, who named it, as long as it has that name.
    passages : tuple of Passage
        All of them, with `of` and `similarity` as in `Groups`.
    """

    codebook: Codebook
    groups: Mapping[str, tuple[int, ...]]
    drafted: Mapping[str, str]
    passages: tuple[Passage, ...]
    of: Ints
    similarity: Floats

    @property
    def dropped(self) -> tuple[int, ...]:
        """Groups whose code was deleted."""
        kept = {group for groups in self.groups.values() for group in groups}
        return tuple(g for g in range(1, self.similarity.shape[1] + 1) if g not in kept)


def passages_path(path: Path) -> Path:
    """Where the passages of a draft lie."""
    return path.with_name(f"{path.stem}-passages.csv")


def typical(
    passages: Sequence[Passage], scores: Floats, among: Ints, units: Mapping[str, str], n: int = _SHOWN
) -> list[int]:
    """Passages with the highest scores of some, each in other words and, as far as possible, of another unit."""
    ranked = sorted(among.tolist(), key=lambda k: (-scores[k], k))
    distinct = list({passages[k].text.casefold(): k for k in reversed(ranked)}.values())[::-1]
    first = list({units[passages[k].document]: k for k in reversed(distinct)}.values())[::-1]
    return sorted({*first[:n], *[k for k in distinct if k not in first][: max(0, n - len(first))]}, key=ranked.index)


def write_draft(
    path: Path,
    corpus: Corpus,
    passages: Sequence[Passage],
    groups: Groups,
    names: Mapping[int, tuple[str, str]],
    *,
    encoder: str,
) -> None:
    """Write the file, and its passages beside it.

    `names`: by group, its name and who gave it.
    """
    units = {id: corpus.unit_of(id) for id in corpus.ids}
    parts, labels = [], dict[str, int]()
    for group in range(1, groups.k + 1):
        name, by = names[group]
        # Two of one label would be taken for one.
        labels[name.casefold()] = labels.get(name.casefold(), 0) + 1
        label = name if labels[name.casefold()] == 1 else f"{name} ({labels[name.casefold()]})"
        shown = typical(passages, groups.similarity[:, group - 1], np.flatnonzero(groups.of == group), units)
        parts.append(
            _CODE.format(
                label=in_toml(label),
                definition=in_toml("Draft: nobody has said yet what counts."),
                examples="".join(f"  {in_toml(passages[k].text)},\n" for k in shown),
                groups=[group],
                drafted=in_toml(f"{by}: {label}"),
            )
        )
    head = _HEAD.format(
        k=groups.k, corpus=corpus.name, encoder=encoder, passages=passages_path(path).name, question=QUESTION,
        id=in_toml("themes"), title=in_toml(f"Themes of {corpus.name}"),
        introduction=in_toml("You say which themes a text speaks of; it may be several, or none."),
        source=in_toml(f"Drafted by `proband themes` from {len(passages)} passages of {len(corpus)} documents, "
                     f"vectors by {encoder}."),
    )  # fmt: skip
    columns = ["document", "start", "end", "group", *(f"s{g}" for g in range(1, groups.k + 1)), "text"]
    rows = [
        {
            "document": p.document, "start": p.start, "end": p.end, "group": int(groups.of[k]), "text": p.text,
            **{f"s{g + 1}": f"{groups.similarity[k, g]:.4f}" for g in range(groups.k)},
        }
        for k, p in enumerate(passages)
    ]  # fmt: skip
    # The passages first: a draft that is there has them.
    write_text(passages_path(path), table_text(columns, rows))
    write_text(path, head + "".join(parts))


def read_draft(path: Path, corpus: Corpus) -> Draft:
    """The draft as it was edited, its passages found again in their documents.

    Raises
    ------
    InstrumentError
        If the file is no codebook, a code has a group that is in another code too or that there is none of.
    DataError
        If a passage does not stand in its document any more.
    """
    data = parsed(text_of(path, what="codebook", error=InstrumentError), path, error=InstrumentError)
    book = codebook_from_dict(data, str(path))
    entry = checked(CodebookEntry, data, str(path), error=InstrumentError)
    codes = merged([code for question in entry.questions if question.id == QUESTION for code in question.codes])
    if not codes:
        raise InstrumentError(f"{path}: no question {QUESTION!r} with codes; this is no draft of `proband themes`")
    rows = read_table(passages_path(path), ("document", "start", "end", "group", "text"))
    passages = tuple(_passage(where, row, corpus) for where, row in rows)
    k = sum(1 for name in rows[0][1] if name[:1] == "s" and name[1:].isdigit()) if rows else 0
    seen: dict[int, str] = {}
    for code in codes:
        for group in code.groups:
            if not 1 <= group <= k:
                raise InstrumentError(f"{path}: code {code.label!r} has group {group}, and there are 1 to {k}")
            if seen.setdefault(group, code.label) != code.label:
                raise InstrumentError(
                    f"{path}: group {group} is in code {seen[group]!r} and in {code.label!r}; give the two one label"
                )
    return Draft(
        codebook=book,
        groups={code.label.strip(): tuple(code.groups) for code in codes},
        drafted={code.label.strip(): code.drafted.rpartition(f": {code.label.strip()}")[0] for code in codes},
        passages=passages,
        of=np.array([int(row["group"]) for _, row in rows], dtype=np.int64),
        similarity=np.array([[float(row[f"s{g}"]) for g in range(1, k + 1)] for _, row in rows], dtype=np.float64),
    )


def _passage(where: str, row: Mapping[str, str], corpus: Corpus) -> Passage:
    start, end, text = int(row["start"]), int(row["end"]), row["text"]
    if corpus.text(row["document"])[start:end] != text:
        raise DataError(
            f"{where}: document {row['document']!r} does not have these words at {start}; it is another text than the "
            "draft was made from: give that corpus, or draft anew into another file"
        )
    return Passage(document=row["document"], start=start, end=end, text=text)


def coded(draft: Draft, corpus: Corpus) -> ThemeCodes:
    """Which document has which theme, with typical passages and those that speak against it."""
    names = tuple(draft.groups)
    places = {id: k for k, id in enumerate(corpus.ids)}
    units = {id: corpus.unit_of(id) for id in corpus.ids}
    present = np.zeros((len(places), len(names)), dtype=bool)
    at = np.array([places[passage.document] for passage in draft.passages])
    quotes, remarks = {}, {}
    for column, (name, groups) in enumerate(draft.groups.items()):
        if draft.drafted[name]:
            remarks[name] = f"named by {draft.drafted[name]}"
        if not groups:
            remarks[name] = "added by hand: no passages"
            continue
        has = np.isin(draft.of, groups)
        present[at[has], column] = True
        nearness = draft.similarity[:, [g - 1 for g in groups]].max(axis=1)
        middle = typical(draft.passages, nearness, np.flatnonzero(has), units)
        edge = [k for k in typical(draft.passages, -nearness, np.flatnonzero(has), units, _DOUBTFUL) if k not in middle]
        beyond = typical(draft.passages, nearness, np.flatnonzero(~has), units, _DOUBTFUL)
        quotes[name] = tuple(
            Quote(document=draft.passages[k].document, text=draft.passages[k].text, as_what=what)
            for what, of in (("typical", middle), ("in it, but far off", edge), ("not in it, but near", beyond))
            for k in of
        )
    return ThemeCodes(
        documents=tuple(corpus.ids),
        units=tuple(units.values()),
        names=names,
        present=present,
        quotes=quotes,
        remarks=remarks,
    )
