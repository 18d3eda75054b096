"""A Boolean query as a tree, and as it is written."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proband.literature.queries.dialects import Written

SEARCHED = ("title", "abstract", "keyword")  # where words stand that name no field
WORD_FIELDS = ("title", "abstract", "author", "venue", "keyword")
FIELDS = (*WORD_FIELDS, "year", "heading")
OPERATORS = ("and", "or", "not", "near")
SHORTEST_STEM = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """Words that follow each other in one field of a record.

    Attributes
    ----------
    words : tuple of str
        As `plain` makes them: small letters and digits, without accents.
    truncated : bool
        Whether the last word may go on.
    fields : tuple of str
        Any of which may hold them.
    at : int
        Where it stands in what was written, from 1.
    lost : str
        As it was written, where signs of it are no part of the words.
    """

    words: tuple[str, ...]
    truncated: bool = False
    fields: tuple[str, ...] = SEARCHED
    at: int = field(default=0, compare=False)
    lost: str = field(default="", compare=False)

    @property
    def bare(self) -> str:
        """The words, in quotation marks where they are more than one or would be an operator."""
        said = " ".join(self.words) + "*" * self.truncated
        return f'"{said}"' if len(self.words) > 1 or said in OPERATORS else said

    def __str__(self) -> str:
        return self.bare if self.fields == SEARCHED else f"{','.join(self.fields)}:{self.bare}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Years:
    """Published from one year to another, both included; None where there is no limit."""

    first: int | None
    last: int | None
    at: int = field(default=0, compare=False)

    def __str__(self) -> str:
        if self.first == self.last:
            return f"year:{self.first}"
        return f"year:{self.first or ''}-{self.last or ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """A subject heading of the data base, the whole of it."""

    words: tuple[str, ...]
    at: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return f'heading:"{" ".join(self.words)}"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """One of some terms and one of others, with at most `n` words between them, in either order, in one field."""

    left: tuple[Term, ...]
    right: tuple[Term, ...]
    n: int

    def __str__(self) -> str:
        sides = [f"({' OR '.join(map(str, side))})" if len(side) > 1 else str(side[0]) for side in self.pair]
        return f" NEAR/{self.n} ".join(sides)

    @property
    def pair(self) -> tuple[tuple[Term, ...], tuple[Term, ...]]:
        """Both sides."""
        return self.left, self.right


@dataclass(frozen=True, slots=True)
class _Joined:
    """Two parts or more; those of the same operator are one level."""

    parts: tuple["Node", ...]

    def __post_init__(self) -> None:
        flat = [inner for part in self.parts for inner in (part.parts if type(part) is type(self) else (part,))]
        object.__setattr__(self, "parts", tuple(flat))


class And(_Joined):
    """All of them."""

    def __str__(self) -> str:
        return " AND ".join(map(_bracketed, self.parts))


class Or(_Joined):
    """At least one of them."""

    def __str__(self) -> str:
        return " OR ".join(map(_bracketed, self.parts))


@dataclass(frozen=True, slots=True)
class Not:
    """The first, unless the second."""

    kept: "Node"
    dropped: "Node"

    def __str__(self) -> str:
        # `a AND b NOT c` can be read in one way only, so what is kept needs none where it is an AND.
        kept = str(self.kept) if isinstance(self.kept, And) else _bracketed(self.kept)
        return f"{kept} NOT {_bracketed(self.dropped)}"


Node = Term | Years | Heading | Near | And | Or | Not


def _bracketed(node: Node) -> str:
    return f"({node})" if isinstance(node, And | Or | Not) else str(node)


def leaves(node: Node) -> Iterator[Term | Years | Heading]:
    """What is looked for, in the order written."""
    match node:
        case And() | Or():
            for part in node.parts:
                yield from leaves(part)
        case Not():
            yield from leaves(node.kept)
            yield from leaves(node.dropped)
        case Near():
            yield from (*node.left, *node.right)
        case _:
            yield node


@dataclass(frozen=True)
class Query:
    """A query that was read: `str` writes it so that reading it again gives the same.

    Attributes
    ----------
    root : Node
        Its tree.

    Examples
    --------
    >>> from proband.literature.queries.language import parse_query
    >>> query = parse_query('(nudg* or "choice architecture") and title:health not year:-1999')
    >>> print(query)
    (nudg* OR "choice architecture") AND title:health NOT year:-1999
    >>> parse_query(str(query)) == query
    True
    """

    root: Node

    def __str__(self) -> str:
        return str(self.root)

    @property
    def leaves(self) -> tuple[Term | Years | Heading, ...]:
        """What is looked for, in the order written."""
        return tuple(leaves(self.root))

    def written_for(self, dialect: str) -> "Written":
        """As `pubmed`, `ovid`, `scopus` or `wos` take it, with what they cannot say."""
        from proband.literature.queries.dialects import written_for  # which reads trees

        return written_for(self, dialect)

    @cached_property
    def remarks(self) -> tuple[str, ...]:
        """What is allowed and likely not meant, as far as the words alone tell; see also `Index.remarks`."""
        found = [
            f"{leaf} at {leaf.at}: {len(leaf.words[-1])} letters before the asterisk find very much; write more of them"
            for leaf in self.leaves
            if isinstance(leaf, Term) and leaf.truncated and len(leaf.words[-1]) < SHORTEST_STEM
        ]
        found += [
            f"{leaf} at {leaf.at}: letters and digits alone are looked for: {leaf.lost} finds whatever has {leaf.bare}"
            for leaf in self.leaves
            if isinstance(leaf, Term) and leaf.lost
        ]
        return (*found, *_twice(self.root))


def _twice(node: Node) -> Iterator[str]:
    """Terms that add nothing to the alternatives they stand among."""
    if isinstance(node, Not):
        yield from _twice(node.kept)
        yield from _twice(node.dropped)
    elif isinstance(node, And | Or):
        for part in node.parts:
            yield from _twice(part)
    if isinstance(node, Or):
        terms = [part for part in node.parts if isinstance(part, Term)]
        for k, term in enumerate(terms):
            for j, wider in enumerate(terms):
                if j != k and _covers(wider, term) and not (_covers(term, wider) and j > k):
                    yield f"{term} at {term.at}: {wider} finds it already; leave it out"
                    break


def _covers(wider: Term, term: Term) -> bool:
    """Whether everything that has the term has the wider one."""
    n = len(wider.words)
    if not set(term.fields) <= set(wider.fields) or n > len(term.words):
        return False
    if not wider.truncated:
        return wider.words == term.words[:n] and not (term.truncated and n == len(term.words))
    return wider.words[:-1] == term.words[: n - 1] and term.words[n - 1].startswith(wider.words[-1])
