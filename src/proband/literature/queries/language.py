"""The query language: read by a grammar that lets anything through, then checked, so that each fault has its place.

::

    nudg* OR "choice architecture"          any of them; words, phrases, truncation at the end of either
    (a OR b) AND c NOT d                    AND and OR together need brackets
    nudg* NEAR/3 (health OR diet)           at most 3 words between, in either order, in one field
    title:nudge  title,abstract:(a OR b)    fields: title, abstract, author, venue, keyword
    year:2010-2020  year:2015-  heading:"decision making"

A word without field is looked for in title, abstract and keywords.
"""

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from proband.errors import DesignError, meant
from proband.literature.queries.query import FIELDS, SEARCHED, And, Heading, Near, Node, Not, Or, Query, Term, Years
from proband.literature.records.record import plain

if TYPE_CHECKING:
    from lark import Lark, Token, Tree

_GRAMMAR = r"""
query: part*
?part: OPERATOR | NEAR | fielded | atom
fielded: FIELD atom
?atom: WORD | PHRASE | OPEN | group
group: "(" query ")"

OPERATOR.4: /(AND\s+NOT|AND|OR|NOT)(?=[\s()"]|$)/i
NEAR.4: /NEAR\/\d*(?=[\s()"]|$)/i | /NEAR(?=[\s()"]|$)/
FIELD.3: /[A-Za-z]+(,[A-Za-z]+)*:/
PHRASE.2: /"[^"]*"/
OPEN.1: /"[^"]*$/
WORD: /[^\s()"]+/
%ignore /\s+/
"""
_QUOTES = str.maketrans({"“": '"', "”": '"', "„": '"', "«": '"', "»": '"'})
_FOREIGN = re.compile(r"[\[\]{}?$#/\\<>=]")  # signs that other languages give a meaning, and ours would drop
# Before or behind a word; within one, signs part words, and those of punctuation mean nothing anywhere.
_LOST = re.compile(r"(?<!\S)[^\w\s'’(]+(?=\w)|(?<=\w)[^\w\s.,;:!'’)*-]+(?!\S)")
_YEARS = re.compile(r"(\d{4})?(-)?(\d{4})?")
_MOST_BETWEEN, _DEEPEST = 100, 50
_Part = tuple[str, int, Node | None]  # an operator or "", its place, and what stands there


@lru_cache(1)
def _parser() -> "Lark":
    from lark import Lark

    return Lark(_GRAMMAR, start="query", parser="lalr", lexer="basic", propagate_positions=True)


def parse_query(text: str) -> Query:
    """Read a query.

    Raises
    ------
    DesignError
        With everything that is wrong, each at the character where it stands (from 1), and the way out: an operator
        with nothing to the left or right, AND mixed with OR without brackets, an open quotation or bracket, two terms
        without an operator, an unknown field, a sign of another language.
    """
    # Sign for sign, so that places in what is read are places in what was written.
    text = text.translate(_QUOTES)
    reading = _Reading()
    reading.check_tokens(list(_parser().lex(text)))
    root = None if reading.problems else reading.query(_parser().parse(text), 1, None)
    if reading.problems or root is None:
        raise DesignError(*dict.fromkeys(reading.problems), where="query")
    return Query(root)


class _Reading:
    """One reading: what is wrong so far."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def wrong(self, at: int, what: str) -> Node | None:
        """Note what is wrong; None, for there is nothing to go on with."""
        self.problems.append(f"character {at}: {what}")
        return None

    def check_tokens(self, tokens: "list[Token]") -> None:
        """What would keep the grammar from making a tree: brackets, and fields of nothing."""
        open_: list[int] = []
        for k, token in enumerate(tokens):
            if token.type == "LPAR":
                open_.append(_at(token))
                if len(open_) == _DEEPEST + 1:
                    self.wrong(_at(token), f"more than {_DEEPEST} brackets within each other; take out what adds none")
            elif token.type == "RPAR" and not open_:
                self.wrong(_at(token), "this bracket closes none; take it out, or open one before it")
            elif token.type == "RPAR":
                open_.pop()
            elif token.type == "FIELD" and (
                k + 1 == len(tokens) or tokens[k + 1].type not in ("WORD", "PHRASE", "OPEN", "LPAR")
            ):
                self.wrong(_at(token), f"{token} is followed by no term; write one behind it, as {token}nudge")
        for at in open_:
            self.wrong(at, "this bracket is never closed; close it behind what belongs together")

    def query(self, tree: "Tree[Any]", at: int, fields: tuple[str, ...] | None) -> Node | None:
        """One level of brackets."""
        parts = [self.part(part, fields) for part in tree.children]
        if not parts:
            self.wrong(at, "nothing is looked for here; write a term")
        if not parts or not self.is_in_turn(parts):
            return None
        joined = self.nears(parts)
        if any(node is None for _, _, node in joined[::2]):
            return None
        return self.joined(joined)

    def part(self, part: Any, fields: tuple[str, ...] | None) -> _Part:
        """An operator, or what one stands between."""
        if getattr(part, "type", "") in ("OPERATOR", "NEAR"):
            return re.sub(r"AND\s+NOT", "NOT", str(part).upper()), _at(part), None
        at = _at(part)
        if getattr(part, "data", "") == "fielded":
            field, part = part.children
            named = tuple(str(field)[:-1].lower().split(","))
            if fields is not None:
                self.wrong(at, f"{field} stands within a field already; name one of them")
            if strange := [name for name in named if name not in FIELDS]:
                self.wrong(at, f"no field {strange[0]!r}{meant(strange[0], FIELDS)}; there are {', '.join(FIELDS)}")
                return "", at, None
            if len(named) > 1 and {"year", "heading"} & set(named):
                self.wrong(at, f"{field} mixes words with years or headings; give them a field each, joined by OR")
                return "", at, None
            fields = tuple(name for name in FIELDS if name in named)
        if getattr(part, "data", "") == "group":
            return "", at, self.query(part.children[0], at, fields)
        return "", at, self.leaf(part, at, fields or SEARCHED)

    def leaf(self, token: "Token", at: int, fields: tuple[str, ...]) -> Node | None:
        """A word or phrase in its fields."""
        said = str(token).strip('"')
        if token.type == "OPEN":
            return self.wrong(at, "this quotation is never closed; close it behind the phrase")
        if fields == ("year",):
            return self.years(said, at)
        if token.type == "WORD" and (sign := _FOREIGN.search(said)):
            return self.wrong(
                at, f"{said}: {sign.group()!r} means nothing here; write words, a phrase in quotation marks, an "
                "asterisk at the end, or a field before them as title:nudge",
            )  # fmt: skip
        truncated = said.endswith("*")
        words = tuple(plain(said).split())
        if not words or (truncated and not said[-2:-1].isalnum()):
            return self.wrong(at, f"{token} has no letters{' before the asterisk' * truncated}; write a word")
        if "*" in said[:-1]:
            return self.wrong(at, f"{token}: an asterisk stands at the end of a word or phrase; elsewhere write OR")
        if "heading" in fields:
            if truncated:
                return self.wrong(at, f"{token}: a heading is given whole; write it without the asterisk")
            return Heading(words=words, at=at)
        return Term(words=words, truncated=truncated, fields=fields, at=at, lost=said if _LOST.search(said) else "")

    def years(self, said: str, at: int) -> Node | None:
        """A year, or from one to another."""
        found = _YEARS.fullmatch(said)
        first, dash, last = found.groups() if found else (None, None, None)
        if not (first or last) or (last and not dash) or (first and last and first > last):
            return self.wrong(at, f"year:{said} is no year; write year:2010, year:2010-2020, year:2010- or year:-2020")
        return Years(
            first=int(first) if first else None, last=int(last or first or 0) if last or not dash else None, at=at
        )

    def is_in_turn(self, parts: list[_Part]) -> bool:
        """Whether terms and operators take turns, beginning and ending with a term."""
        before = len(self.problems)
        for k, (operator, at, _) in enumerate(parts):
            follows = parts[k - 1][0] if k else None
            if operator and not k:
                means = "a query says first what it looks for, as people NOT children" if operator == "NOT" else (
                    "write a term before it, or take it out"
                )  # fmt: skip
                self.wrong(at, f"{operator} has nothing on its left; {means}")
            elif operator and follows:
                self.wrong(at, f"{follows} {operator}: two operators and nothing between; take one out")
            elif not operator and follows == "":
                self.wrong(
                    at, "two terms and no operator between; join them by AND or OR, or put a phrase in quotation marks"
                )
        if parts[-1][0] and len(parts) > 1:
            self.wrong(parts[-1][1], f"{parts[-1][0]} has nothing on its right; write a term behind it, or take it out")
        return len(self.problems) == before

    def nears(self, parts: list[_Part]) -> list[_Part]:
        """The parts with every NEAR made one of them: it binds closer than the others."""
        found = [parts[0]]
        for (operator, at, _), right in zip(parts[1::2], parts[2::2], strict=True):
            if operator.startswith("NEAR"):
                left = found.pop()
                found.append(("", left[1], self.near(left[2], operator, at, right[2])))
            else:
                found += [(operator, at, None), right]
        return found

    def near(self, left: Node | None, operator: str, at: int, right: Node | None) -> Node | None:
        """Two sides, each a term or alternatives, in the same fields."""
        number = operator.partition("/")[2]
        if not number or int(number) > _MOST_BETWEEN:
            return self.wrong(at, f"{operator} needs how many words may stand between, up to {_MOST_BETWEEN}: NEAR/3")
        sides: list[tuple[Term, ...]] = []
        for node in (left, right):
            parts = node.parts if isinstance(node, Or) else (node,)
            terms = tuple(part for part in parts if isinstance(part, Term))
            if node is not None and len(terms) < len(parts):
                return self.wrong(at, f"{operator} stands between words, phrases or an OR of them; use AND for others")
            sides.append(terms)
        if left is None or right is None:
            return None
        if len({term.fields for side in sides for term in side}) > 1:
            return self.wrong(at, f"{operator} has its sides in different fields; write title:(a {operator} b)")
        return Near(left=sides[0], right=sides[1], n=int(number))

    def joined(self, parts: list[_Part]) -> Node | None:
        """Terms under the operators of one level, which can be read in one way only or are refused."""
        nodes = [node for _, _, node in parts[::2] if node is not None]
        operators = [operator for operator, _, _ in parts[1::2]]
        first = operators.index("NOT") if "NOT" in operators else len(operators)
        for k, (operator, at, _) in enumerate(parts[1::2]):
            if (operator != operators[0] and "OR" in (operator, operators[0])) or (k > first and operator != "NOT"):
                others = operators[0] if operator != operators[0] else "NOT"
                return self.wrong(
                    at, f"{operator} after {others} can be read in two ways; put brackets around what belongs together"
                )
        kept = nodes[: first + 1]
        root: Node = kept[0] if len(kept) == 1 else (Or if operators[0] == "OR" else And)(tuple(kept))
        dropped = nodes[first + 1 :]
        return Not(root, dropped[0] if len(dropped) == 1 else Or(tuple(dropped))) if dropped else root


def _at(part: Any) -> int:
    """Where a token or tree begins, from 1."""
    return int(getattr(part, "meta", part).start_pos) + 1
