"""The documents of a corpus as a roster, whose members are made when looked at."""

from collections.abc import Iterator, Mapping
from functools import cached_property

from proband.roster import Member, Roster
from proband.subjects.corpora import Corpus


class Documents(Roster):
    """One member a document, its unit the corpus's, its traits what the corpus says of it.

    A million members with their traits would be a gigabyte of objects; the columns of the corpus are a few megabytes.
    """

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus

    @property
    def _members(self) -> tuple[Member, ...]:  # type: ignore[override]
        return tuple(self)

    def __getitem__(self, key):  # type: ignore[no-untyped-def]  # as in `Roster`
        if isinstance(key, slice):
            return tuple(self[k] for k in range(*key.indices(len(self))))
        return self._member(self._corpus.columns.row(key))

    def __len__(self) -> int:
        return len(self._corpus)

    def __iter__(self) -> Iterator[Member]:
        return map(self._member, self._corpus.columns.iter_rows())

    def _member(self, row: tuple[object, ...]) -> Member:
        columns = self._corpus.columns.columns
        traits = {name: value for name, value in zip(columns[1:], row[1:], strict=True) if value is not None}
        unit = traits.get(self._corpus.unit)
        return Member(subject=str(row[0]), unit="" if unit is None else str(unit), traits=traits)  # type: ignore[arg-type]

    @cached_property
    def by_subject(self) -> Mapping[str, Member]:
        """Members by document."""
        return _BySubject(self)

    @cached_property
    def weights(self) -> dict[str, float]:
        """None: every document counts the same."""
        return {}

    @cached_property
    def n_units(self) -> int:
        """Independent units."""
        unit = self._corpus.unit
        if not unit:
            return len(self)
        column = self._corpus.columns[unit]
        return column.drop_nulls().n_unique() + column.null_count()


class _BySubject(Mapping[str, Member]):
    """Looks a document up without holding its member."""

    def __init__(self, roster: Documents) -> None:
        self._roster = roster
        self._places = {id: k for k, id in enumerate(roster._corpus.columns["document"])}

    def __getitem__(self, document: str) -> Member:
        member: Member = self._roster[self._places[document]]
        return member

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, document: object) -> bool:
        return document in self._places
