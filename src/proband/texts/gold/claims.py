"""What a study says about its documents: shares of codes, differences, courses over time, regressions."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from proband.errors import DataError, DesignError, meant
from proband.files import Table
from proband.texts.gold.tables import Question

ClaimForm = Literal["share", "difference", "trend", "regression"]
_TERM = re.compile(r"([^\[\]]+?)\s*(?:\[(.+)\])?")


class ClaimTable(Table):
    """One claim, as a study file has it under ``[[coding.claims]]``."""

    name: str = Field(default="", description="how it is called; by default what it is about")
    about: str = Field(
        default="", description="`ITEM[CODE]`, the share of a code, or `ITEM`, the mean of a scale or number"
    )
    by: str = Field(default="", description="column of the corpus whose groups are compared")
    against: str = Field(
        default="", description="group that the others are compared with; the first, if nothing is said"
    )
    over: str = Field(
        default="", description="column of the corpus with years, dates or other numbers: the course over it"
    )
    model: str = Field(
        default="",
        description="a linear regression instead of `about`, e.g. `area[economic] ~ year + party`: outcome and "
        "regressors are columns of the corpus or codes",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A column of the corpus, or an item of the codebook, of which `code` is one code."""

    name: str
    code: str = ""
    is_coded: bool = False

    def __str__(self) -> str:
        return f"{self.name}[{self.code}]" if self.code else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A claim whose terms are known.

    Attributes
    ----------
    name : str
        For tables.
    form : {"share", "difference", "trend", "regression"}
        What is told of it.
    outcome : Term
        What it is about.
    regressors : tuple of Term
        Of a regression.
    by, against, over : str
        Groups, the one compared with, what is a course over; empty where it has none.
    """

    name: str
    form: ClaimForm
    outcome: Term
    regressors: tuple[Term, ...] = ()
    by: str = ""
    against: str = ""
    over: str = ""

    @property
    def items(self) -> tuple[str, ...]:
        """Items whose codes it needs."""
        return tuple(dict.fromkeys(term.name for term in (self.outcome, *self.regressors) if term.is_coded))


def claims_of(
    tables: Sequence[Mapping[str, str]], questions: Mapping[str, Question], columns: Sequence[str]
) -> tuple[Claim, ...]:
    """Claims as they are written, with everything they name looked up.

    Raises
    ------
    DesignError
        Naming the claim, what is wrong with it and what there is.
    """
    claims = tuple(_claim(table, k, questions, columns) for k, table in enumerate(tables, 1))
    names = [claim.name for claim in claims]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise DesignError(f"coding.claims: two claims are called {twice!r}; give one of them another `name`")
    return claims


def _claim(table: Mapping[str, str], k: int, questions: Mapping[str, Question], columns: Sequence[str]) -> Claim:
    given = {key: text for key in ClaimTable.model_fields if (text := str(table.get(key, "") or ""))}
    where = f"coding.claims {k}" + (f" ({given['name']!r})" if "name" in given else "")
    if ("about" in given) == ("model" in given):
        raise DesignError(f'{where}: needs either `about`, e.g. about = "area[economic]", or `model`')
    if beside := [key for key in ("by", "over") if key in given and "model" in given]:
        raise DesignError(f"{where}: `{beside[0]}` stands beside `model`; make it a regressor of the model")
    if "by" in given and "over" in given:
        raise DesignError(f"{where}: `by` and `over` in one claim; write two claims, or a model with both")
    if "against" in given and "by" not in given:
        raise DesignError(f"{where}: `against` names a group, and there is no `by` with the column of the groups")
    for key in ("by", "over"):
        if key in given and given[key] not in columns:
            raise DesignError(f"{where}: {key} = {given[key]!r} is no column of the corpus"
                              f"{meant(given[key], columns)}; there are {', '.join(columns)}")  # fmt: skip
    if "about" in given:
        outcome = _term(given["about"], where, questions, columns)
        if not outcome.is_coded:
            raise DesignError(f"{where}: {given['about']!r} is a column of the corpus, known of all documents; nothing "
                              "of it is to be corrected: name an item of the codebook")  # fmt: skip
        form: ClaimForm = "difference" if "by" in given else "trend" if "over" in given else "share"
        by, over = given.get("by", ""), given.get("over", "")
        said = str(outcome) + (f" by {by}" if by else "") + (f" over {over}" if over else "")
        against = given.get("against", "")
        return Claim(name=given.get("name", said), form=form, outcome=outcome, by=by, against=against, over=over)
    left, tilde, right = given["model"].partition("~")
    if not tilde or not left.strip() or not right.strip():
        raise DesignError(f"{where}: model = {given['model']!r} is none; write OUTCOME ~ REGRESSOR + REGRESSOR")
    outcome = _term(left, where, questions, columns)
    regressors = tuple(_term(part, where, questions, columns) for part in right.split("+"))
    if not any(term.is_coded for term in (outcome, *regressors)):
        raise DesignError(
            f"{where}: no code in model = {given['model']!r}; a regression of columns alone needs no coding"
        )
    if outcome in regressors or len(set(regressors)) < len(regressors):
        raise DesignError(f"{where}: a term stands twice in model = {given['model']!r}; take one out")
    return Claim(name=given.get("name", given["model"]), form="regression", outcome=outcome, regressors=regressors)


def _term(text: str, where: str, questions: Mapping[str, Question], columns: Sequence[str]) -> Term:
    found = _TERM.fullmatch(text.strip())
    name, code = (found[1].strip(), found[2]) if found else (text.strip(), None)
    if name not in questions:
        if name in columns and code is None:
            return Term(name=name)
        known = [*questions, *columns]
        raise DesignError(f"{where}: {text.strip()!r} is no item of the codebook and no column of the corpus"
                          f"{meant(name, known)}; there are {', '.join(known)}")  # fmt: skip
    question = questions[name]
    if code is None:
        if question.is_number or question.points:
            return Term(name=name, is_coded=True)
        raise DesignError(
            f"{where}: {name!r} has codes and no number; write the code, e.g. {name}[{question.codes[0]}]"
        )
    if not question.codes:
        raise DesignError(f"{where}: {name!r} has no codes; write {name} alone, for its mean")
    try:
        return Term(name=name, code=question.read(code), is_coded=True)
    except DataError as error:
        raise DesignError(f"{where}: {error}") from None
