"""From several people's codes to gold: unanimous or decided by somebody, never the majority by itself."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from proband.errors import DataError, ProbandError
from proband.estimates import Estimate
from proband.measures import agreement_summary, krippendorff_alpha
from proband.texts.gold.tables import Question, Row, code_in


@dataclass(frozen=True, kw_only=True)
class Adjudicated:
    """What people's codes come to.

    Attributes
    ----------
    agreed : tuple of dict
        Document, item, code and how: ``unanimous``, ``single`` (coded by one person), ``adjudicated``.
    decisions : tuple of dict
        Disagreements, with what was decided; an empty `code` is open.
    agreement : mapping of str to mapping
        Item -> raw agreement, alpha and AC1 of the people, where there are two.
    """

    agreed: tuple[Row, ...]
    decisions: tuple[Row, ...]
    agreement: Mapping[str, Mapping[str, Estimate]] = field(default_factory=dict)

    @property
    def n_open(self) -> int:
        """Disagreements that nobody has decided."""
        return sum(not row["code"] for row in self.decisions)


def adjudicate(
    codes: Sequence[Row],
    decided: Sequence[Row],
    questions: Mapping[str, Question],
    text_of: Callable[[str], str],
    *,
    fewest: int = 1,
) -> Adjudicated:
    """Put people's codes together.

    Parameters
    ----------
    codes : sequence of dict
        Document, coder, item, code.
    decided : sequence of dict
        Decisions so far: document, item, code. One stands whether or not people still disagree.
    questions : mapping of str to Question
        Of the codebook.
    text_of : callable
        The text of a document, for who decides.
    fewest : int
        People who must have coded a document before their agreement counts.

    Raises
    ------
    DataError
        If a code or a decision is none of the codebook, or there are two about one question of one document.
    """
    given: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for row in codes:
        code = code_in(row, questions, f"codes.csv, document {row['document']!r}, {row['coder']}")
        given[row["document"], row["item"]][row["coder"]] = code
    ruled: dict[tuple[str, str], str] = {}
    for row in decided:
        key = row["document"], row["item"]
        if key in ruled:
            raise DataError(f"decisions.csv: two decisions on {key[1]!r} of document {key[0]!r}; keep one")
        if not row["code"] and key not in given:
            continue  # never decided, and who disagreed is gone
        if key not in given:
            raise DataError(f"decisions.csv: nobody coded {key[1]!r} of document {key[0]!r}; take the row out")
        ruled[key] = code_in(row, questions, f"decisions.csv, document {key[0]!r}") if row["code"] else ""
    agreed, queue = [], []
    for key, of in sorted(given.items()):
        found = set(of.values())
        code, how = next(iter(found)), "unanimous" if len(of) > 1 else "single"
        is_open = len(found) > 1
        if is_open or ruled.get(key):
            said = "; ".join(f"{coder}={code}" for coder, code in sorted(of.items()))
            text = " ".join(text_of(key[0]).split())
            queue.append({"document": key[0], "item": key[1], "codes": said, "code": ruled.get(key, ""), "text": text})
            code, how, is_open = ruled.get(key, ""), "adjudicated", not ruled.get(key)
        if not is_open and (len(of) >= fewest or how == "adjudicated"):
            agreed.append({"document": key[0], "item": key[1], "code": code, "how": how})
    return Adjudicated(agreed=tuple(agreed), decisions=tuple(queue), agreement=_agreements(given, questions))


def _agreements(
    given: Mapping[tuple[str, str], Mapping[str, str]], questions: Mapping[str, Question]
) -> dict[str, dict[str, Estimate]]:
    """Agreement on every item that two people coded."""
    found = {}
    for item, question in questions.items():
        rows = [of for (_, asked), of in given.items() if asked == item and len(of) > 1]
        if not rows:
            continue
        coders = sorted({coder for of in rows for coder in of})
        table = [[of.get(coder) for coder in coders] for of in rows]
        try:
            if question.is_number:
                values = np.array([[np.nan if code is None else float(code) for code in row] for row in table])
                found[item] = {"alpha": krippendorff_alpha(values, "interval", target="human")}
            else:
                seen = sorted({code for row in table for code in row if code is not None})
                told = agreement_summary(
                    np.array(table, dtype=object),
                    seen if question.is_multiple else question.codes,
                    measured="ordinal" if question.points else "nominal",
                    target="human",
                )
                found[item] = {"raw": told.raw, "alpha": told.alpha, "AC1": told.ac1}
        except ProbandError as error:
            reason = Estimate(
                value=float("nan"), estimand=f"agreement on {item}", target="human", n_units=0, warnings=(str(error),)
            )
            found[item] = {"alpha": reason}
    return found
