"""Records in SQLite's full-text index: which of them a query finds, and what of it finds nothing or too much."""

import hashlib
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from proband.errors import DataError, DesignError, meant
from proband.literature.queries.language import parse_query
from proband.literature.queries.query import And, Heading, Near, Node, Not, Or, Query, Term, Years
from proband.literature.records.library import Library
from proband.literature.records.record import Record, plain

WIDE, MANY = 0.1, 20  # share of the vocabulary, and number of words, from which a truncated word is hardly meant
_RULE = "1"  # grows when words come to be stored otherwise
_BREAK = " ¦ "  # between two authors or keywords: a word that no query can say, so that no phrase goes across
_COLUMNS = "title, abstract, author, venue, keyword"
_TABLES = f"""
CREATE TABLE records (n INTEGER PRIMARY KEY, id TEXT, year INTEGER);
CREATE TABLE headings (words TEXT, n INTEGER);
CREATE VIRTUAL TABLE words USING fts5({_COLUMNS}, content='', columnsize=0, tokenize='ascii');
CREATE VIRTUAL TABLE vocabulary USING fts5vocab('words', 'row');
"""
_Condition = tuple[bool, str, tuple[object, ...]]  # whether it is one of FTS5, else of SQL; its text; what fills it


class Index:
    """What queries are put to.

    Parameters
    ----------
    records : Library or iterable of Record
        In the order in which what is found is given.
    path : path, optional
        A file that keeps the index, made anew where it is not of these records; in memory where none is given.

    Raises
    ------
    DataError
        If this SQLite cannot search texts, or two records have one id.

    Examples
    --------
    >>> index = Index([Record(title="Nudging health"), Record(title="Health and diet")])
    >>> [index.records[id].title for id in index.search("nudg* AND health")]
    ['Nudging health']
    >>> index.remarks("nudg* OR diets")
    ("diets at 10 finds no record (did you mean 'diet'?)",)
    """

    def __init__(self, records: Library | Iterable[Record], path: str | Path | None = None) -> None:
        given = list(records.records.values() if isinstance(records, Library) else records)
        named = records.records if isinstance(records, Library) else {record.id: record for record in given}
        self.records: Mapping[str, Record] = named
        if len(self.records) < len(given):
            ids = [record.id for record in given]
            twice = next(id for id in ids if ids.count(id) > 1)
            raise DataError(f"two records have the id {twice}; read them as a library, which merges duplicates")
        self._base = sqlite3.connect(str(path or ":memory:"))
        self._fill(self._mark if path else "")

    def close(self) -> None:
        """Let go of the file."""
        self._base.close()

    def search(self, query: Query | str) -> list[str]:
        """Ids of the records that a query finds, in the records' order."""
        return self._found((query if isinstance(query, Query) else parse_query(query)).root)

    def counts(self, query: Query) -> dict[str, int]:
        """How many records every term of a query finds by itself."""
        return {str(leaf): len(self._found(leaf)) for leaf in query.leaves}

    def remarks(self, query: Query | str) -> tuple[str, ...]:
        """What a query says that is likely not meant: of its words alone, and of what these records hold."""
        query = query if isinstance(query, Query) else parse_query(query)
        told = list(query.remarks)
        for leaf in query.leaves:
            if not self._found(leaf):
                told.append(f"{leaf} at {leaf.at} finds no record{self._near_word(leaf)}")
            elif isinstance(leaf, Term) and leaf.truncated and len(leaf.words) == 1:
                n = self._n_words(leaf.words[0])
                if n >= max(MANY, WIDE * self._vocabulary):
                    told.append(f"{leaf} at {leaf.at} stands for {n:,} of {self._vocabulary:,} words; write more of it")
        return tuple(dict.fromkeys(told))

    def ranked(self, question: str) -> list[str]:
        """Ids of the records that share words with a question, best first, by BM25 over word stems.

        References
        ----------
        Robertson and Zaragoza (2009), Foundations and Trends in Information Retrieval 3, 333-389.
        doi:10.1561/1500000019; Porter (1980), Program 14, 130-137. doi:10.1108/eb046814
        """
        words = list(dict.fromkeys(plain(question).split()))
        if not words:
            raise DesignError("the question has no word; write it as a sentence")
        base = self._base
        if not base.execute("SELECT 1 FROM sqlite_master WHERE name = 'stems'").fetchone():
            with base:  # made when somebody asks, since it takes as long as the words
                base.execute("CREATE VIRTUAL TABLE stems USING fts5(text, content='', tokenize='porter ascii')")
                base.executemany(
                    "INSERT INTO stems (rowid, text) VALUES (?, ?)",
                    (
                        (n, _searchable("\n".join((record.title, record.abstract, *record.keywords))))
                        for n, record in enumerate(self.records.values())
                    ),
                )
        asked = " OR ".join(f'"{word}"' for word in words)
        told = "SELECT rowid FROM stems WHERE stems MATCH ? ORDER BY bm25(stems), rowid"
        ids = list(self.records)
        return [ids[n] for (n,) in base.execute(told, (asked,))]

    def documents_with(self, words: Sequence[str]) -> int:
        """How many records hold words that follow each other, in title, abstract or keywords."""
        return len(self._found(Term(words=tuple(words))))

    @cached_property
    def _vocabulary(self) -> int:
        return int(self._base.execute("SELECT count(*) FROM vocabulary").fetchone()[0])

    def _n_words(self, stem: str) -> int:
        between = (stem, stem + "\U0010ffff")
        return int(
            self._base.execute("SELECT count(*) FROM vocabulary WHERE term BETWEEN ? AND ?", between).fetchone()[0]
        )

    def _near_word(self, leaf: Term | Years | Heading) -> str:
        """The word that may have been meant."""
        if not isinstance(leaf, Term) or len(leaf.words) > 1:
            return ""
        begins = leaf.words[0][:2]
        between = (begins, begins + "\U0010ffff")
        return meant(
            leaf.words[0],
            [word for (word,) in self._base.execute("SELECT term FROM vocabulary WHERE term BETWEEN ? AND ?", between)],
        )

    def _found(self, node: Node) -> list[str]:
        condition = _condition(node)
        told, given = _in_sql(condition)
        return [id for (id,) in self._base.execute(f"SELECT id FROM records WHERE {told} ORDER BY n", given)]

    def _fill(self, mark: str) -> None:
        """Store the records, unless they are there."""
        base = self._base
        try:
            if base.execute("SELECT 1 FROM sqlite_master WHERE name = 'mark'").fetchone():
                if base.execute("SELECT mark FROM mark").fetchone() == (mark,):
                    return
                for table in ("stems", "vocabulary", "words", "headings", "records", "mark"):
                    base.execute(f"DROP TABLE IF EXISTS {table}")
            base.executescript(_TABLES)
        except sqlite3.DatabaseError as error:
            if "fts5" in str(error):
                raise DataError(
                    "the SQLite of this Python has no full-text index (FTS5), which queries need; install a Python "
                    "whose SQLite has it, as those of python.org, conda and the distributions do"
                ) from None
            raise DataError(f"the index cannot be used ({error}); delete its file, and it is made anew") from None
        with base:
            numbered = list(enumerate(self.records.values()))
            base.executemany(
                "INSERT INTO records VALUES (?, ?, ?)",
                ((n, id, self.records[id].year) for n, id in enumerate(self.records)),
            )
            base.executemany(
                "INSERT INTO headings VALUES (?, ?)", ((plain(h), n) for n, record in numbered for h in record.headings)
            )
            base.executemany(
                f"INSERT INTO words (rowid, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)",
                ((n, *columns_of(record)) for n, record in numbered),
            )
            base.execute("CREATE TABLE mark AS SELECT ? AS mark", (mark,))

    @property
    def _mark(self) -> str:
        """What the index is of."""
        told = hashlib.blake2b(_RULE.encode(), digest_size=16)
        for id, record in self.records.items():
            told.update(repr((id, record.year, record.headings, columns_of(record))).encode())
        return told.hexdigest()


def columns_of(record: Record) -> tuple[str, ...]:
    """What is looked for in, by `WORD_FIELDS`, as the index splits it: letters and digits of any case."""
    return (
        _searchable(record.title),
        _searchable(record.abstract),
        _BREAK.join(map(_searchable, record.authors)),
        _searchable(record.venue),
        _BREAK.join(map(_searchable, record.keywords)),
    )


def _searchable(text: str) -> str:
    """A text that the index splits into the words of `plain`: which, of plain letters, it does by itself."""
    return text if text.isascii() and "\0" not in text else plain(text)


def _condition(node: Node) -> _Condition:
    """What a part asks of a record: of FTS5 as long as it can be, since that is one look-up."""
    match node:
        case Term():
            return True, f"{_columns(node.fields)} : {_phrase(node)}", ()
        case Near():
            pairs = [f"NEAR({_phrase(a)} {_phrase(b)}, {node.n})" for a in node.left for b in node.right]
            return True, f"{_columns(node.left[0].fields)} : ({' OR '.join(pairs)})", ()
        case Years():
            return False, "coalesce(year BETWEEN ? AND ?, 0)", (node.first or -9999, node.last or 9999)
        case Heading():
            return False, "n IN (SELECT n FROM headings WHERE words = ?)", (" ".join(node.words),)
        case Not():
            parts, joint = [_condition(node.kept), _condition(node.dropped)], "NOT"
        case And() | Or():
            parts, joint = [_condition(part) for part in node.parts], "AND" if isinstance(node, And) else "OR"
    if all(of_words for of_words, _, _ in parts):
        return True, f" {joint} ".join(f"({told})" for _, told, _ in parts), ()
    asked = [_in_sql(part) for part in parts]
    texts = [f"({told})" for told, _ in asked]
    told = f"{texts[0]} AND NOT {texts[1]}" if joint == "NOT" else f" {joint} ".join(texts)
    return False, told, tuple(value for _, given in asked for value in given)


def _in_sql(condition: _Condition) -> tuple[str, tuple[object, ...]]:
    of_words, told, given = condition
    return ("n IN (SELECT rowid FROM words WHERE words MATCH ?)", (told,)) if of_words else (told, given)


def _columns(fields: Sequence[str]) -> str:
    return "{" + " ".join(fields) + "}"


def _phrase(term: Term) -> str:
    return f'"{" ".join(term.words)}"' + " *" * term.truncated
