"""A query as four data bases write it, and what of it each of them cannot say.

Sources, read in 2026: the help pages of PubMed (pubmed.ncbi.nlm.nih.gov/help), Ovid (advanced search techniques and
the field guide of MEDLINE), Scopus (search guide) and Web of Science Core Collection (search rules, field tags).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from proband.errors import DesignError, meant
from proband.literature.queries.query import OPERATORS, SEARCHED, And, Heading, Near, Node, Not, Or, Query, Term, Years

_OR = "OR"
_MOST_YEARS = 60  # years that a data base which knows no range is given one by one


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A query in the language of a data base.

    Attributes
    ----------
    dialect : str
        Whose language.
    text : str
        To be pasted there.
    unsaid : tuple of str
        What it cannot say as it was meant, and what is written instead; empty where it finds the same.
    """

    dialect: str
    text: str
    unsaid: tuple[str, ...] = ()


class _Writer:
    """What the dialects share; each says its own scopes, proximity, years and headings."""

    operators = {"AND": "AND", "OR": "OR", "NOT": "NOT"}
    shortest_stem = 1

    def __init__(self) -> None:
        self.unsaid: list[str] = []

    def node(self, node: Node, depth: int = 0) -> str:
        """A part; empty where nothing of it can be said."""
        match node:
            case Term():
                return self.scoped(node.fields, self.word(node))
            case Near():
                return self.near(node)
            case Years():
                return self.years(node)
            case Heading():
                return self.heading(node)
            case Or() if isinstance(first := node.parts[0], Term):
                terms = [part for part in node.parts if isinstance(part, Term) and part.fields == first.fields]
                if len(terms) == len(node.parts):
                    return self.alternatives(terms)
            case Not():
                kept, dropped = (self.inner(part, depth) for part in (node.kept, node.dropped))
                self.check_not(node, depth)
                if dropped and not kept:
                    self.unsaid.append(f"NOT {node.dropped}: left out, for what it is taken from cannot be said")
                return f"{kept} {self.operators['NOT']} {dropped}" if kept and dropped else kept
        joint = "AND" if isinstance(node, And) else "OR"
        said = [told for part in node.parts if (told := self.inner(part, depth))]
        return f" {self.operators[joint]} ".join(said)

    def inner(self, node: Node, depth: int) -> str:
        """A part within another, in brackets where it has operators."""
        told = self.node(node, depth + 1)
        is_closed = not isinstance(node, And | Or | Not) or not told or _is_closed(told)
        return told if is_closed else f"({told})"

    def word(self, term: Term) -> str:
        """A word or phrase."""
        said, stem = " ".join(term.words), term.words[-1]
        if term.truncated and len(stem) < self.shortest_stem:
            self.unsaid.append(
                f"{term}: an asterisk needs {self.shortest_stem} letters before it; written without, which finds less"
            )
        elif term.truncated:
            said += "*"
        if "author" in term.fields and len(term.words) > 1:
            self.unsaid.append(f"{term}: authors are kept there as family name and initials; check how this one is")
        return self.quoted(said, term)

    def quoted(self, said: str, term: Term) -> str:
        """Words in quotation marks, where they need them."""
        return f'"{said}"' if len(term.words) > 1 or said in OPERATORS else said

    def scoped(self, fields: Sequence[str], said: str) -> str:
        """Words in their fields."""
        return self.either([form.format(said) for form in self.scopes(fields)])

    def either(self, told: Sequence[str]) -> str:
        """Texts of which one suffices, in brackets if they are several."""
        return told[0] if len(told) == 1 else f"({f' {self.operators[_OR]} '.join(told)})"

    def alternatives(self, terms: Sequence[Term]) -> str:
        """Terms of which one suffices, in one scope where the language can bracket them."""
        return self.scoped(terms[0].fields, self.either(list(map(self.word, terms))))

    def check_not(self, node: Not, depth: int) -> None:
        """Say where an exclusion within others may be read otherwise."""

    def sides(self, near: Near, joint: str, join: Callable[[str], str]) -> str:
        """Every pair of a proximity, joined by the operator of the language."""
        return self.either([join(f"{self.word(a)} {joint} {self.word(b)}") for a in near.left for b in near.right])

    def scopes(self, fields: Sequence[str]) -> list[str]:
        raise NotImplementedError

    def near(self, near: Near) -> str:
        raise NotImplementedError

    def years(self, years: Years) -> str:
        raise NotImplementedError

    def heading(self, heading: Heading) -> str:
        raise NotImplementedError


class _PubMed(_Writer):
    shortest_stem = 4
    tags = {"title": "ti", "abstract": "tiab", "author": "au", "venue": "ta", "keyword": "ot"}

    def scopes(self, fields: Sequence[str]) -> list[str]:
        tags = [self.tags[field] for field in fields]
        if "tiab" in tags:
            tags = [tag for tag in tags if tag not in ("ti", "ot")]
            if not set(SEARCHED) <= set(fields):
                self.unsaid.append(f"{','.join(fields)}: no field is the abstract alone; [tiab] is title, abstract and "
                                   "keywords, which finds more")  # fmt: skip
        if "venue" in fields:
            self.unsaid.append("venue: [ta] is the whole title of a journal or its abbreviation, not words of it")
        return [f"{{}}[{tag}]" for tag in tags]

    def alternatives(self, terms: Sequence[Term]) -> str:
        return self.either([self.scoped(term.fields, self.word(term)) for term in terms])

    def near(self, near: Near) -> str:
        pairs = []
        scope = "ti" if near.left[0].fields == ("title",) else "tiab"
        for a, b in ((a, b) for a in near.left for b in near.right):
            if (
                len(a.words) == len(b.words) == 1
                and not (a.truncated or b.truncated)
                and set(a.fields) <= set(SEARCHED)
            ):
                if scope == "tiab":
                    self.scopes(a.fields)  # for what it remarks
                pairs.append(f'"{a.words[0]} {b.words[0]}"[{scope}:~{near.n}]')
            else:
                self.unsaid.append(f"{a} NEAR/{near.n} {b}: proximity takes single whole words of title and abstract; "
                                   "written with AND, which finds more")  # fmt: skip
                pairs.append(f"({self.node(a)} AND {self.node(b)})")
        return self.either(pairs)

    def years(self, years: Years) -> str:
        if years.first == years.last:
            return f"{years.first}[dp]"
        return f"{years.first or 1000}:{years.last or 3000}[dp]"

    def heading(self, heading: Heading) -> str:
        return f'"{" ".join(heading.words)}"[mh:noexp]'


class _Ovid(_Writer):
    operators = {"AND": "and", "OR": "or", "NOT": "not"}
    tags = {"title": "ti", "abstract": "ab", "author": "au", "venue": "jw", "keyword": "kf"}

    def quoted(self, said: str, term: Term) -> str:
        # Words that stand beside each other are a phrase already; quotation marks keep an operator from being one.
        return f'"{said}"' if {*OPERATORS, "adj"} & set(term.words) else said

    def word(self, term: Term) -> str:
        if "author" in term.fields and len(term.words) == 1 and not term.truncated:
            self.unsaid.append(f"{term}: an author is found by the whole name; written with an asterisk, which finds "
                               "longer names too")  # fmt: skip
            return f"{term.words[0]}*"
        return super().word(term)

    def scopes(self, fields: Sequence[str]) -> list[str]:
        return [f"{{}}.{','.join(self.tags[field] for field in fields)}."]

    def near(self, near: Near) -> str:
        # `adj1` is beside each other in either order, so a word between is `adj2`.
        sides = [
            f"({' or '.join(map(self.word, side))})" if len(side) > 1 else self.word(side[0]) for side in near.pair
        ]
        return self.scoped(near.left[0].fields, f"({sides[0]} adj{near.n + 1} {sides[1]})")

    def years(self, years: Years) -> str:
        if years.first is None or years.last is None or years.last - years.first >= _MOST_YEARS:
            limit = f"{years.first or 1800} -{years.last or 'Current'}"
            self.unsaid.append(f'{years}: left out; add the line: limit 1 to yr="{limit}"')
            return ""
        told = " or ".join(str(year) for year in range(years.first, years.last + 1))
        return f"{told}.yr." if years.first == years.last else f"({told}).yr."

    def heading(self, heading: Heading) -> str:
        return f"{' '.join(heading.words)}/"


class _Scopus(_Writer):
    operators = {"AND": "AND", "OR": "OR", "NOT": "AND NOT"}
    tags = {"title": "TITLE", "abstract": "ABS", "author": "AUTH", "venue": "SRCTITLE", "keyword": "AUTHKEY"}

    def scopes(self, fields: Sequence[str]) -> list[str]:
        if tuple(fields) == SEARCHED:
            self.unsaid.append("keywords: TITLE-ABS-KEY looks in indexed terms too, which finds more")
            return ["TITLE-ABS-KEY({})"]
        if tuple(fields) == ("title", "abstract"):
            return ["TITLE-ABS({})"]
        return [f"{self.tags[field]}({{}})" for field in fields]

    def alternatives(self, terms: Sequence[Term]) -> str:
        return self.scoped(terms[0].fields, " OR ".join(map(self.word, terms)))

    def near(self, near: Near) -> str:
        return self.sides(near, f"W/{near.n}", lambda pair: self.scoped(near.left[0].fields, pair))

    def years(self, years: Years) -> str:
        if years.first == years.last:
            return f"PUBYEAR = {years.first}"
        told = [f"PUBYEAR > {years.first - 1}"] if years.first else []
        told += [f"PUBYEAR < {years.last + 1}"] if years.last else []
        return told[0] if len(told) == 1 else f"({' AND '.join(told)})"

    def heading(self, heading: Heading) -> str:
        self.unsaid.append(f"{heading}: INDEXTERMS finds these words within longer headings too")
        return f'INDEXTERMS("{" ".join(heading.words)}")'

    def check_not(self, node: Not, depth: int) -> None:
        if depth:
            self.unsaid.append(f"{node}: AND NOT within brackets may be read otherwise there; better the last operator")


class _WebOfScience(_Writer):
    shortest_stem = 3
    tags = {"title": "TI", "abstract": "AB", "author": "AU", "venue": "SO", "keyword": "AK"}

    def quoted(self, said: str, term: Term) -> str:
        # Without quotation marks a whole word is taken for all its inflections.
        return said if (said.endswith("*") and len(term.words) == 1) or term.fields == ("author",) else f'"{said}"'

    def scopes(self, fields: Sequence[str]) -> list[str]:
        if tuple(fields) == SEARCHED:
            self.unsaid.append("keywords: TS looks in Keywords Plus too, which finds more")
            return ["TS={}"]
        if "venue" in fields:
            self.unsaid.append("venue: SO is the whole title of a source, not words of it")
        return [f"{self.tags[field]}={{}}" for field in fields]

    def near(self, near: Near) -> str:
        return self.sides(near, f"NEAR/{near.n}", lambda pair: self.scoped(near.left[0].fields, f"({pair})"))

    def years(self, years: Years) -> str:
        if years.last is None:
            self.unsaid.append(f"{years}: left out, for a range has two ends; set the first year beside the results")
            return ""
        return f"PY={years.last}" if years.first == years.last else f"PY=({years.first or 1800}-{years.last})"

    def heading(self, heading: Heading) -> str:
        words = " ".join(heading.words)
        self.unsaid.append(f"{heading}: there are no subject headings; written as words of the topic")
        return f'TS="{words}"'


_WRITERS: dict[str, type[_Writer]] = {
    "pubmed": _PubMed, "ovid": _Ovid, "scopus": _Scopus, "wos": _WebOfScience
}  # fmt: skip
DIALECTS = tuple(_WRITERS)


def written_for(query: Query, dialect: str) -> Written:
    """A query as a data base takes it.

    Parameters
    ----------
    query : Query
        What is looked for.
    dialect : {"pubmed", "ovid", "scopus", "wos"}
        PubMed, Ovid MEDLINE, Scopus, or the Core Collection of Web of Science.

    Raises
    ------
    DesignError
        If there is no such dialect, or nothing of the query can be said in it.
    """
    if dialect not in _WRITERS:
        raise DesignError(f"no dialect {dialect!r}{meant(dialect, DIALECTS)}; there are {', '.join(DIALECTS)}")
    writer = _WRITERS[dialect]()
    text = writer.node(query.root)
    if not text:
        raise DesignError(f"nothing of {query} can be said in {dialect}: {'; '.join(writer.unsaid)}")
    return Written(dialect=dialect, text=text, unsaid=tuple(dict.fromkeys(writer.unsaid)))


def _is_closed(told: str) -> bool:
    """Whether a text is one bracket from its beginning to its end, or a scope around one."""
    start, depth = told.find("("), 0
    if start < 0 or " " in told[:start]:
        return " " not in told.strip()
    for k, sign in enumerate(told[start:], start):
        depth += (sign == "(") - (sign == ")")
        if not depth:
            return " " not in told[k:]
    return False
