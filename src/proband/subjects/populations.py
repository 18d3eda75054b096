"""Populations: who can be asked, with what weight, and what people really answered."""

import dataclasses
import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from proband.errors import DataError, MissingDataError
from proband.notebook import html_table
from proband.seeds import uniform_for
from proband.subjects.personas import Code, Field, Subject, code_text
from proband.weighting import Floats, RakedWeights, check_weights, rake

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Population:
    """Subjects that can be sampled, with everything their data file holds about them.

    Attributes
    ----------
    name : str
        How it is called in reports.
    subjects : tuple of Subject
        At least one; ids are unique.
    fields : tuple of Field
        How their traits are put into words, in the order of the backstory.
    frame : polars.DataFrame or None
        All columns of the data file, one row per subject, in the order of `subjects`; missing codes are null.
        Survey items stay here and never reach a persona.
    declared : polars.DataFrame or None
        Codes that the data file itself calls missing, row by row; they are null in `frame`.
    left_out : mapping of str to str
        Columns of the data file that are neither numbers nor texts, and what they hold.
    weight_column : str
        Where the weights came from; empty where everybody counts the same.
    title, source, licence, language : str
        Full name; citation; terms of use of the data; BCP 47 tag of the persona texts.
    """

    name: str
    subjects: tuple[Subject, ...]
    fields: tuple[Field, ...] = ()
    frame: "pl.DataFrame | None" = None
    declared: "pl.DataFrame | None" = None
    left_out: Mapping[str, str] = dataclasses.field(default_factory=dict)
    weight_column: str = ""
    title: str = ""
    source: str = ""
    licence: str = ""
    language: str = "en"

    def __repr__(self) -> str:
        return f"Population {self.name!r}" + "".join(f"\n  {name}: {text}" for name, text in self._rows())

    def _repr_html_(self) -> str:
        return html_table(self._rows(), ("population", self.title or self.name))

    def _rows(self) -> list[tuple[str, str]]:
        """What a reader wants to know first; empty facts are left out."""
        size = f"{len(self.subjects):,}{', weighted' * bool(self.weight_column)}"
        units = {(s.stratum, s.psu or s.id) for s in self.subjects}
        if any(s.stratum or s.psu for s in self.subjects):
            size += f", in {len(units):,} units of {len({s.stratum for s in self.subjects}):,} strata"
        rows = [("subjects", size), ("personas say", ", ".join(field.column for field in self.fields))]
        return [(name, text) for name, text in (*rows, ("source", self.source), ("licence", self.licence)) if text]

    def __post_init__(self) -> None:
        if not self.subjects:
            raise DataError(f"population {self.name!r} has nobody in it; check the file, or the `where` before")
        seen: set[str] = set()
        for subject in self.subjects:
            if not subject.id:
                raise DataError(f"population {self.name!r}: a subject without an id; give every one an id")
            if subject.id in seen:
                raise DataError(
                    f"population {self.name!r}: id {subject.id!r} is there twice; name the column that tells "
                    "people apart, or leave the id column out to number the rows"
                )
            seen.add(subject.id)
        columns = [field.column for field in self.fields]
        for k, column in enumerate(columns):
            if column in columns[:k]:
                raise DataError(f"population {self.name!r}: two persona fields for column {column!r}; keep one")
        check_weights(self.weights, f"population {self.name!r}, weights {self.weight_column or 'of its subjects'}")
        if self.frame is not None and self.frame.height != len(self.subjects):
            raise DataError(
                f"population {self.name!r}: {self.frame.height} rows of data for {len(self.subjects)} "
                "subjects; give one row per subject, in their order"
            )

    def __len__(self) -> int:
        return len(self.subjects)

    def __iter__(self) -> Iterator[Subject]:
        return iter(self.subjects)

    def __getitem__(self, key: int | str) -> Subject:
        """The subject of that id, or in that place."""
        if isinstance(key, int):
            return self.subjects[key]
        if key not in self._places:
            raise DataError(f"population {self.name!r} has no subject {key!r}{_nearest(key, self._places)}")
        return self.subjects[self._places[key]]

    @cached_property
    def _places(self) -> dict[str, int]:
        return {subject.id: k for k, subject in enumerate(self.subjects)}

    @cached_property
    def weights(self) -> Floats:
        """Weights in the order of `subjects`, shape (n_subjects,)."""
        return np.array([subject.weight for subject in self.subjects], dtype=np.float64)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Everything that is known about the subjects, in the order of the file."""
        if self.frame is not None:
            return tuple(self.frame.columns)
        return tuple(dict.fromkeys(column for subject in self.subjects for column in subject.traits))

    @cached_property
    def hash(self) -> str:
        """32 hexadecimal digits over ids, traits, weights and the wording of the fields."""
        state = hashlib.blake2b(digest_size=16)
        for field in self.fields:
            parts = (field.column, field.first, field.third, field.question, dict(field.labels), field.missing)
            state.update(json.dumps(parts, sort_keys=True, ensure_ascii=False).encode())
        for subject in self.subjects:
            parts_: tuple[object, ...] = (subject.id, sorted(subject.traits.items()), subject.weight)
            if drawn := [subject.stratum, subject.psu, subject.fpc] if subject.stratum or subject.psu else []:
                parts_ = (*parts_, drawn)
            state.update(json.dumps(parts_, ensure_ascii=False).encode())
        return state.hexdigest()

    def column(self, name: str) -> Mapping[str, Code]:
        """People's raw values in one column: subject id -> code; people without a value are absent.

        Raises
        ------
        DataError
            If there is no such column, or it holds something other than numbers and texts.
        """
        if name in self.left_out:
            raise DataError(
                f"column {name!r} of population {self.name!r} was left out, since it holds {self.left_out[name]}; "
                "only numbers and texts can be used, so convert it in the file"
            )
        if name not in self.columns:
            raise DataError(f"population {self.name!r} has no column {name!r}{_nearest(name, self.columns)}")
        if self.frame is None:
            return {s.id: s.traits[name] for s in self.subjects if name in s.traits}
        values = self.frame[name].to_list()
        if any(not isinstance(value, int | float | str) for value in values if value is not None):
            raise DataError(
                f"column {name!r} of population {self.name!r} holds {self.frame[name].dtype}; only numbers "
                "and texts can be used, so convert it in the file"
            )
        return {s.id: value for s, value in zip(self.subjects, values, strict=True) if value is not None}

    def declared_missing(self, name: str) -> Mapping[str, Code]:
        """Codes of a column that the data file itself calls missing, by subject id; `column` does not have them."""
        if self.declared is None or name not in self.declared.columns:
            return {}
        codes = zip(self.subjects, self.declared[name].to_list(), strict=True)
        return {s.id: code for s, code in codes if code is not None}

    def check(self, columns: Iterable[str] | None = None) -> None:
        """Refuse, before anything is asked, what would fail later.

        Parameters
        ----------
        columns : iterable of str, optional
            Columns a study uses (persona fields, piped traits, strata); default the persona fields.

        Raises
        ------
        DataError
            If a column is unknown, or is empty for everyone, or holds a code that its field has no label for.
        """
        by_column = {field.column: field for field in self.fields}
        for name in by_column if columns is None else columns:
            codes = set(self.column(name).values())
            field = by_column.get(name)
            said = codes if field is None else {code for code in codes if field.value(code) is not None}
            if not said:
                raise DataError(
                    f"population {self.name!r}: column {name!r} is missing for all {len(self)} subjects; "
                    "drop the field, or check the missing codes"
                )

    def check_design(self) -> None:
        """Refuse what would leave no variance to tell: a stratum with a single sampling unit, or of an odd size.

        Raises
        ------
        DataError
            Naming such a stratum, and the ways out.
        """
        sizes: dict[str, set[float]] = {}
        for subject in self.subjects:
            sizes.setdefault(subject.stratum, set()).add(subject.fpc)
        for name, found in sizes.items():
            if len(found) > 1 or min(found) < 0:
                told = ", ".join(f"{value:g}" for value in sorted(found))
                raise DataError(
                    f"population {self.name!r}: fpc of stratum {name!r} is {told}; write how many units the stratum "
                    "has in all, or the share that was drawn, the same for all its people"
                )
        units: dict[str, set[str]] = {}
        for subject in self.subjects:
            if subject.weight > 0 and (subject.stratum or subject.psu):
                units.setdefault(subject.stratum, set()).add(subject.psu or subject.id)
        sure = {subject.stratum for subject in self.subjects if subject.fpc == 1}
        for name, held in units.items():
            if 1 < (size := max(sizes[name])) < len(held):
                raise DataError(
                    f"population {self.name!r}: stratum {name!r} has {len(held)} units, and fpc says {size:g} in all; "
                    "correct fpc"
                )
        lonely = [name for name, found in units.items() if len(found) < 2 and name not in sure]
        if lonely and len(self) > 1:
            raise DataError(
                f"population {self.name!r}: {len(lonely)} of {len(units)} strata have a single sampling unit among its "
                f"{len(self)} people, e.g. stratum {lonely[0]!r}; merge each with a similar one in the data, ask more "
                "people, leave `strata` out, or give it an `fpc` of 1 if it was drawn for sure"
            )

    def where(self, column: str, values: Code | Collection[Code]) -> "Population":
        """The subjects whose raw value in a column is one of `values`; weights stay as they are.

        Raises
        ------
        DataError
            If there is no such column, or nobody has such a value.
        """
        listed = (values,) if isinstance(values, int | float | str) else tuple(values)
        wanted = set(map(code_text, listed))
        codes = {**self.declared_missing(column), **self.column(column)}
        held = {id: code_text(value) for id, value in codes.items()}
        rows = [k for k, subject in enumerate(self.subjects) if held.get(subject.id) in wanted]
        if not rows:
            found = sorted(set(held.values()))
            raise DataError(
                f"population {self.name!r}: nobody has {column!r} in {', '.join(sorted(wanted))}; "
                f"found {', '.join(found[:12])}{' and more' if len(found) > 12 else ''}"
            )
        return self._take(rows)

    def drawn(self, *, strata: str = "", psu: str = "", fpc: str = "") -> "Population":
        """The same subjects, of whom it is said how they were drawn.

        Parameters
        ----------
        strata, psu, fpc : str
            Columns of the stratum, of the sampling unit within it, and of how many units the stratum has in all (or
            the share of them that was drawn); what is empty stays as it is.

        Raises
        ------
        DataError
            If there is no such column, somebody has nothing in it, or `fpc` holds something other than numbers.
        """
        found: dict[str, Mapping[str, Code]] = {}
        for key, name in (("stratum", strata), ("psu", psu), ("fpc", fpc)):
            if name:
                found[key] = self.column(name)
                if lacking := [s.id for s in self.subjects if s.id not in found[key]]:
                    raise DataError(
                        f"population {self.name!r}: {len(lacking)} subjects have no {name!r}, e.g. {lacking[0]!r}; "
                        "leave them out with `where`, or fill it in"
                    )
        sizes = found.pop("fpc", {})
        if wrong := [value for value in sizes.values() if not isinstance(value, int | float)]:
            raise DataError(f"population {self.name!r}: {fpc!r} holds {wrong[0]!r}, not numbers of units")
        subjects = []
        for s in self.subjects:
            labels = {key: code_text(of[s.id]) for key, of in found.items()}
            size = float(sizes[s.id]) if sizes else s.fpc
            stratum, unit = labels.get("stratum", s.stratum), labels.get("psu", s.psu)
            subjects.append(dataclasses.replace(s, stratum=stratum, psu=unit, fpc=size))
        return dataclasses.replace(self, subjects=tuple(subjects))

    def reweighted(self, weights: Mapping[str, float], weight_column: str = "") -> "Population":
        """The same subjects with other weights, given by subject id.

        Raises
        ------
        DataError
            If a subject has no new weight, or the weights are not usable.
        """
        if lacking := [s.id for s in self.subjects if s.id not in weights]:
            more = len(lacking) - 1
            raise DataError(f"population {self.name!r}: no weight for subject {lacking[0]!r} and {more} more")
        subjects = tuple(dataclasses.replace(s, weight=float(weights[s.id])) for s in self.subjects)
        return dataclasses.replace(self, subjects=subjects, weight_column=weight_column)

    def rake(self, margins: Mapping[str, Mapping[Code, float]], **settings: Any) -> tuple["Population", RakedWeights]:
        """The same subjects, weighted to meet margins, and how well that went; see the function `rake`.

        The weights it starts from are the present ones. Margins name the raw codes of a column by their text.
        """
        columns = {}
        for name in margins:
            held = self.column(name)
            if lacking := [s.id for s in self.subjects if s.id not in held]:
                raise MissingDataError(
                    f"population {self.name!r}: {len(lacking)} subjects have no {name!r}, the first is "
                    f"{lacking[0]!r}; leave them out with `where`, or rake on another column"
                )
            columns[name] = [code_text(held[s.id]) for s in self.subjects]
        targets: dict[str, dict[Code, float]] = {
            name: {code_text(level): share for level, share in shares.items()} for name, shares in margins.items()
        }
        raked = rake(columns, targets, weights=self.weights, **settings)
        weights = dict(zip((s.id for s in self.subjects), raked.weights.tolist(), strict=True))
        return self.reweighted(weights, f"raked to {', '.join(margins)}"), raked

    def sample(self, n: int, seed: int, *, weighted: bool = True, replace: bool = False) -> "Population":
        """Some of the subjects, drawn by place.

        Without replacement every subject has a key that depends on the seed, its id and its weight only, and
        the n smallest are taken, in the order of their keys. So a smaller sample is the beginning of a larger
        one, and adding a person to the file changes the inclusion of at most one other.

        A weighted draw uses up the weights: what is left is ``w / (1 - exp(-w t))``, with ``t`` the first key not
        taken, which would give unbiased totals; it is scaled to a mean of 1. These weights are nearly equal when few
        of many are drawn, and the original ones when all are. An unweighted draw keeps the weights.

        With replacement, draw k takes a subject by its share of the weights (weighted; then all count 1) or
        any (unweighted; weights kept); a second copy of ``17`` is called ``17#2``. Which subject is drawn
        then depends on everybody in the file.

        Parameters
        ----------
        n : int
            Subjects to draw.
        seed : int
            The study's seed.
        weighted : bool
            Whether people are drawn in proportion to their weight.
        replace : bool
            Whether one person can be drawn more than once.

        Raises
        ------
        DataError
            If n is below 1, or larger than the number of people that can be drawn without replacement.

        References
        ----------
        Efraimidis & Spirakis (2006), Information Processing Letters 97, 181-185.
        doi:10.1016/j.ipl.2005.11.003
        Cohen & Kaplan (2007), Proc. PODC, 225-234 (the weights afterwards). doi:10.1145/1281100.1281133
        """
        weights = self.weights if weighted else np.ones(len(self))
        n_drawable = int((weights > 0).sum())
        if n < 1 or (n > n_drawable and not replace):
            raise DataError(
                f"population {self.name!r}: cannot draw {n} of {n_drawable} people"
                f"{'' if n_drawable == len(self) else ' with a positive weight'}; ask for 1 to {n_drawable}"
                f"{'' if n < 1 else ', or draw with replacement'}"
            )
        if replace:
            u = np.array([uniform_for(seed, "sample", self.name, k) for k in range(n)])
            edges = np.cumsum(weights)
            drawn = self._take(np.searchsorted(edges, u * edges[-1], side="right").tolist())
            return drawn.reweighted(dict.fromkeys(drawn._places, 1.0)) if weighted else drawn
        u = np.array([uniform_for(seed, "sample", subject.id) for subject in self.subjects])
        keys = np.full(len(self), np.inf)
        np.divide(-np.log1p(-u), weights, out=keys, where=weights > 0)
        order = np.argsort(keys, kind="stable")
        drawn = self._take(order[:n].tolist())
        if n < n_drawable:
            # Of a stratum's units only some are left, so the share of them that was drawn is not what it was.
            known = tuple(dataclasses.replace(s, fpc=0.0) if s.fpc else s for s in drawn.subjects)
            drawn = dataclasses.replace(drawn, subjects=known)
        if not weighted:
            return drawn
        t = float(keys[order[n]]) if n < n_drawable else np.inf
        adjusted = weights[order[:n]] / -np.expm1(-weights[order[:n]] * t)
        adjusted = np.ones(n) if np.ptp(adjusted) == 0 else adjusted / adjusted.mean()
        return drawn.reweighted(dict(zip(drawn._places, adjusted.tolist(), strict=True)), self.weight_column)

    def _take(self, rows: list[int]) -> "Population":
        """Some rows, in the order given; copies of a row are numbered."""
        copies: dict[int, int] = {}
        subjects = []
        for row in rows:
            n = copies[row] = copies.get(row, 0) + 1
            subject = self.subjects[row]
            subjects.append(subject if n == 1 else dataclasses.replace(subject, id=f"{subject.id}#{n}"))
        frame = None if self.frame is None else self.frame[rows]
        declared = self.declared[rows] if self.declared is not None and self.declared.width else self.declared
        return dataclasses.replace(self, subjects=tuple(subjects), frame=frame, declared=declared)


def _nearest(name: str, known: Iterable[str]) -> str:
    """What may have been meant, as the end of a message."""
    known = list(known)
    close = get_close_matches(name, known, n=3) or known[:8]
    return f"; did you mean {', '.join(close)}?" if close else ""
