"""Agreement of coders, any with any; which may stand in for people, and which err together."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import combinations
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from proband.addresses.opening import is_person
from proband.analyses.answers import cautions, listed, measured, tabled, told
from proband.analyses.section import Analysis, Cell, CellForm, Section
from proband.errors import DataError, DesignError
from proband.estimates import Estimate
from proband.instruments.items import Item
from proband.measures import (
    agreement_summary,
    alt_test,
    cohen_kappa,
    dawid_skene,
    error_correlations,
    krippendorff_alpha,
)
from proband.measures.agreement.intervals import over_clusters
from proband.runs.run import Run
from proband.texts.codes import code_texts, codes_of

GOLD = "gold"  # name of the coder whose codes are taken as true
_CHAPTER = "Codes"
_EPSILON = 0.15  # what the authors of the alternative annotator test suggest for skilled coders
_FORMS = ("choice", "scale", "multiple", "number")
Codes = NDArray[np.object_]


@dataclass(frozen=True)
class Coded:
    """Codes of one item: documents by coders, None where a coder gave none."""

    item: Item
    coders: tuple[str, ...]
    codes: Codes
    units: tuple[str, ...]  # of each document
    gold: Codes | None  # (n_documents,)
    gold_is: str

    @cached_property
    def categories(self) -> list[object]:
        """All codes: those of the item in their order, or those that occur."""
        if self.item.form in ("choice", "scale"):
            return [*code_texts(self.item)]
        return sorted({code for code in self.codes.ravel().tolist() if code is not None})

    @property
    def level(self) -> Literal["nominal", "ordinal"]:
        """Whether codes that lie nearer are less of a difference."""
        return "ordinal" if self.item.form == "scale" else "nominal"

    def of(self, coders: Sequence[str]) -> Codes:
        """Columns of some coders."""
        return self.codes[:, [self.coders.index(coder) for coder in coders]]


def needs(run: Run) -> str | None:
    """Documents that more than one coder coded."""
    if run.kind != "coding":
        return "this run coded no documents"
    if not run.dispositions():
        return "nothing was answered yet"
    coders = [coder for coder in run.levels.get("coder", ()) if coder != GOLD]
    return None if len(coders) > 1 else "one coder agrees with nobody; name several under [engine]"


def sections(run: Run) -> Sequence[Section]:
    """Agreement of all, of people and of the others; pairs; who may stand in for a person; who errs with whom."""
    coded = [_coded(run, item, part) for item, part in _parts(run)]
    people = [coder for coder in run.levels["coder"] if coder != GOLD and is_person(_address(run, coder))]
    found = [_summary(coded, people), _pairs(coded)]
    found += [_stand_ins(coded, people)] if len(people) > 1 else []
    families = _families(run, [coder for coder in run.levels["coder"] if coder != GOLD])
    found += [_without_gold(coded, families)] if len(families) > 2 else []
    return [*found, *_on_gold([one for one in coded if one.gold is not None])]


def _parts(run: Run) -> list[tuple[Item, pl.DataFrame]]:
    table = codes_of(run)
    return [
        (item, part)
        for item in run.items.values()
        if item.form in _FORMS and (part := table.filter(pl.col("item") == item.id))["coder"].n_unique() > 1
    ]


def _coded(run: Run, item: Item, part: pl.DataFrame) -> Coded:
    unit = {member.subject: member.unit for member in run.roster}
    documents = part["document"].unique(maintain_order=True).to_list()
    place = {document: k for k, document in enumerate(documents)}
    coders = [coder for coder in run.levels["coder"] if (part["coder"] == coder).any()]
    codes: Codes = np.full((len(documents), len(coders)), None, dtype=object)
    for document, coder, code in part.select("document", "coder", "code").iter_rows():
        codes[place[document], coders.index(coder)] = float(code) if code and item.form == "number" else code
    gold, gold_is = None, ""
    people = [k for k, coder in enumerate(coders) if coder != GOLD and is_person(_address(run, coder))]
    if GOLD in coders:
        gold, gold_is = codes[:, coders.index(GOLD)], "the coder called gold"
    elif len(people) > 1:
        # Nobody's majority is gold by itself: only what all who coded a document say, two of them at least.
        gold_is = "what all people who coded a document gave, two at least"
        gold = np.array([_unanimous(row) for row in codes[:, people]], dtype=object)
    kept = [k for k, coder in enumerate(coders) if coder != GOLD]
    units = tuple(unit.get(document, document) for document in documents)
    return Coded(item, tuple(coders[k] for k in kept), codes[:, kept], units, gold, gold_is)


def _unanimous(row: Codes) -> object:
    given = [code for code in row.tolist() if code is not None]
    return given[0] if len(given) > 1 and len(set(given)) == 1 else None


def _address(run: Run, coder: str) -> str:
    engines = run.manifest["engine"]
    return str(engines.get(coder, engines.get("", "")))


def _families(run: Run, coders: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
    """Coders that are one model asked in several ways; people are each their own."""
    found: dict[str, list[str]] = {}
    for coder in coders:
        address = _address(run, coder)
        is_alone = is_person(address) or address.partition(":")[0] in ("scripted", "replay")
        found.setdefault(coder if is_alone else address.partition("?")[0], []).append(coder)
    return {name: tuple(members) for name, members in found.items()}


def _summary(coded: Sequence[Coded], people: Sequence[str]) -> Section:
    rows: list[tuple[Cell, ...]] = []
    alphas: dict[str, Estimate] = {}
    for one in coded:
        others = [coder for coder in one.coders if coder not in people]
        mine = [coder for coder in one.coders if coder in people]
        sets = {"all": list(one.coders), "people": mine, "others": others}
        for name, coders in sets.items():
            if len(coders) < 2 or (name != "all" and len(coders) == len(one.coders)):
                continue
            codes = one.of(coders)
            twice = (codes != None).sum(axis=1) > 1  # noqa: E711 (elementwise)
            codes, units = codes[twice], [u for u, is_there in zip(one.units, twice, strict=True) if is_there]
            raw, alpha, ac1 = _coefficients(one, codes, units)
            alphas[f"{one.item.id} ({name})"] = alpha
            rows.append((one.item.id, name, len(coders), len(codes), raw, alpha, ac1))
    forms: dict[str, CellForm] = {"item": "text", "coders": "text", "how many": "count", "documents": "count"}
    forms |= {"same code": "share", "alpha": "number", "AC1": "number"}
    known = {label: alpha for label, alpha in alphas.items() if not np.isnan(alpha.value)}
    return Section(
        name="coder-agreement",
        heading="Agreement of the coders",
        chapter=_CHAPTER,
        sentences=tuple(f"Krippendorff's alpha on {label}: {told(alpha)}." for label, alpha in known.items()),
        table=tabled(forms, rows, "Agreement over documents with two codes at least"),
        notes=(
            "Intervals are over units (authors, sources) where documents have them. Alpha is low where nearly all "
            "codes are alike, however seldom coders differ; AC1 is not.",
        ),
        warnings=cautions(alphas.items()),
    )


def _coefficients(one: Coded, codes: Codes, units: Sequence[str]) -> tuple[Estimate | None, Estimate, Estimate | None]:
    """Raw agreement, alpha and AC1; of numbers alpha only."""
    what = f"agreement on {one.item.id}"
    if one.item.form == "number":
        numbers = codes.astype(np.float64)
        return None, _clustered(lambda at: krippendorff_alpha(numbers[at], "interval"), units, what), None

    def part(name: str, at: NDArray[np.intp]) -> Estimate:
        summary = agreement_summary(codes[at], one.categories, measured=one.level, target="data")
        return getattr(summary, name)  # type: ignore[no-any-return]

    raw, alpha, ac1 = (_clustered(partial(part, name), units, what) for name in ("raw", "alpha", "ac1"))
    return raw, alpha, ac1


def _clustered(measure: object, units: Sequence[str], what: str) -> Estimate:
    return measured(lambda: over_clusters(measure, units), what, target="data")  # type: ignore[arg-type]


def _pairs(coded: Sequence[Coded]) -> Section:
    rows: list[tuple[Cell, ...]] = []
    for one in coded:
        if one.item.form == "number":
            continue
        place = {code: k for k, code in enumerate(one.categories)}
        for a, b in combinations(one.coders, 2):
            codes = one.of((a, b))
            both = (codes != None).all(axis=1)  # noqa: E711
            at = np.array([[place[code] for code in row] for row in codes[both].tolist()], dtype=np.intp)
            at = at.reshape(-1, 2)
            units = [unit for unit, is_there in zip(one.units, both, strict=True) if is_there]
            same = float((at[:, 0] == at[:, 1]).mean()) if len(at) else None
            kappa = _clustered(partial(_kappa, at, len(place), one.level), units, f"kappa of {a} and {b}")
            rows.append((one.item.id, a, b, len(at), same, kappa))
    forms: dict[str, CellForm] = {"item": "text", "coder": "text", "other coder": "text", "documents": "count"}
    return Section(
        name="coder-agreement-pairs",
        heading="Pairs of coders",
        chapter=_CHAPTER,
        table=tabled(
            forms | {"same code": "share", "kappa": "number"},
            rows,
            "Cohen's kappa of every two coders, with quadratic weights on scales",
        ),
    )


def _kappa(at: NDArray[np.intp], n: int, level: str, kept: NDArray[np.intp]) -> Estimate:
    """Of some of the documents, whose codes by two coders are indices."""
    table = np.zeros((n, n))
    np.add.at(table, (at[kept, 0], at[kept, 1]), 1)
    used = table.sum(axis=0) + table.sum(axis=1) > 0
    # Without partial credit a code that neither gave changes nothing but what the measure has to say of it.
    return cohen_kappa(
        table if level == "ordinal" else table[np.ix_(used, used)],
        "quadratic" if level == "ordinal" else None,
        target="data",
    )


def _stand_ins(coded: Sequence[Coded], people: Sequence[str]) -> Section:
    """The alternative annotator test of every coder that is no person."""
    rows: list[tuple[Cell, ...]] = []
    sentences: list[str] = []
    warnings: dict[str, None] = {}
    for one in coded:
        humans = [coder for coder in one.coders if coder in people]
        for coder in (coder for coder in one.coders if coder not in people):
            try:
                found = alt_test(one.of((coder,))[:, 0], one.of(humans), _EPSILON)
            except (DesignError, DataError) as error:
                warnings[f"{coder} on {one.item.id}: {error}"] = None
                continue
            verdict = "may" if found.is_passed else "may not"
            sentences.append(f"On {one.item.id} {coder} {verdict} stand in for one of {len(found.by_human)} people.")
            warnings |= dict.fromkeys((found.meaning, *found.warnings))
            rows.append((one.item.id, coder, len(found.by_human), found.n_units, found.winning_rate, found.advantage))
    forms: dict[str, CellForm] = {"item": "text", "coder": "text", "people": "count", "documents": "count"}
    return Section(
        name="coder-agreement-people",
        heading="Coders beside people",
        chapter=_CHAPTER,
        sentences=tuple(sentences),
        table=tabled(
            forms | {"people it may replace": "share", "as good as a person": "share"},
            rows,
            f"Alternative annotator test, epsilon {_EPSILON}",
        ),
        warnings=tuple(warnings),
    )


def _without_gold(coded: Sequence[Coded], families: Mapping[str, tuple[str, ...]]) -> Section:
    """How often each family of coders is right by Dawid and Skene's model; a family has one vote."""
    rows: list[tuple[Cell, ...]] = []
    warnings: dict[str, None] = {}
    for one in coded:
        if one.item.form == "number":
            continue
        members = {name: [c for c in of if c in one.coders] for name, of in families.items()}
        members = {name: of for name, of in members.items() if of}
        votes = np.array([[_vote(row) for row in one.of(of)] for of in members.values()], dtype=object).T
        votes = votes[(votes != None).any(axis=1)]  # noqa: E711
        try:
            found = dawid_skene(votes, categories=one.categories)
        except (DesignError, DataError) as error:
            warnings[f"{one.item.id}: {error}"] = None
            continue
        warnings |= dict.fromkeys(found.warnings)
        right = np.nansum(found.prevalence * np.diagonal(found.confusion, axis1=1, axis2=2), axis=1)
        rows += [
            (one.item.id, name, listed(members[name]), float(share)) for name, share in zip(members, right, strict=True)
        ]
    return Section(
        name="coder-agreement-errors",
        heading="Errors of the coders without gold",
        chapter=_CHAPTER,
        sentences=("How often each coder is right, if coders err independently of each other.",),
        table=tabled(
            {"item": "text", "family": "text", "coders": "text", "share right": "share"},
            rows,
            "Share of codes that are right by Dawid and Skene's model; coders on one model have one vote",
            is_folded=True,
        ),
        warnings=("coders that make the same mistakes look nearly perfect here: only gold tells", *warnings),
    )


def _vote(row: Codes) -> object:
    """The code that most members of a family gave; None where two codes have as many."""
    counts = Counter(code for code in row.tolist() if code is not None).most_common(2)
    return counts[0][0] if counts and (len(counts) < 2 or counts[0][1] > counts[1][1]) else None


def _on_gold(coded: Sequence[Coded]) -> list[Section]:
    """Accuracy on gold, and how far two coders err on the same documents."""
    rows: list[tuple[Cell, ...]] = []
    pairs: list[tuple[Cell, ...]] = []
    for one in coded:
        assert one.gold is not None
        known = one.gold != None  # noqa: E711
        codes, gold = one.codes[known], one.gold[known]
        if not len(gold) or one.item.form == "number":
            continue
        there = codes != None  # noqa: E711
        right = (codes == gold[:, None]) & there
        for k, coder in enumerate(one.coders):
            n = int(there[:, k].sum())
            rows.append((one.item.id, coder, n, float(right[:, k].sum() / n) if n else None))
        together = error_correlations(codes, gold)
        for a, b in combinations(range(len(one.coders)), 2):
            n, r = int((there[:, a] & there[:, b]).sum()), float(together[a, b])
            pairs.append((one.item.id, one.coders[a], one.coders[b], n, None if np.isnan(r) else r))
    if not rows:
        return []
    note = f"Gold is {coded[0].gold_is}."
    forms: dict[str, CellForm] = {"item": "text", "coder": "text", "documents": "count", "right": "share"}
    both: dict[str, CellForm] = {"item": "text", "coder": "text", "other coder": "text", "documents": "count"}
    clear = () if coded[0].gold_is.startswith("the coder") else (
        "on documents on which people agree, the clear ones, every coder looks better than it is",
    )  # fmt: skip
    return [
        Section(
            name="coder-agreement-gold",
            heading="Coders on gold",
            chapter=_CHAPTER,
            table=tabled(forms, rows, "Share of codes that are those of gold"),
            notes=(note,),
            warnings=clear,
        ),
        Section(
            name="coder-agreement-error-correlations",
            heading="Who errs on the same documents",
            chapter=_CHAPTER,
            table=tabled(both | {"correlation": "number"}, pairs, "Correlation of errors on gold", is_folded=True),
            notes=(
                note,
                "Votes of coders, and models of them, take these correlations to be 0; a few tenths are much.",
            ),
        ),
    ]


ANALYSIS = Analysis(
    name="coder-agreement",
    about="agreement of coders of documents, which may stand in for people, and how far they err together",
    needs=needs,
    sections=sections,
    is_quiet=True,
)
