"""Further checks of support: an engine as judge, and a sample that a person judges, with how far they agree."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from proband.designs.design import Design
from proband.errors import DataError
from proband.estimates import Estimate
from proband.instruments.items import Item
from proband.literature.evidence.sentences import Checked, Sentence, Shown, told
from proband.measures.agreement.kappas import cohen_kappa
from proband.records import Message, Place, Reply, Request, Response, Trial
from proband.runs.run import Run
from proband.seeds import rng_for
from proband.subjects.corpora import escape_control_tokens
from proband.texts.gold.tables import read_table, table_text

OPTIONS = ("Supported", "Not supported")
_ITEM = "supported"
_ASKED = """\
Passages:
{passages}

Sentence: {sentence}

Do the passages say everything that the sentence says?"""


@dataclass(frozen=True, kw_only=True)
class Judging(Design):
    """Sentences, each put to a judge with the spans that it cites, in both orders of the two answers.

    Attributes
    ----------
    sentences : mapping of str to Sentence
        By a name of each.
    shown : Shown
        The spans that they cite.
    """

    kind: ClassVar[str] = ""
    unit: ClassVar[str] = "sentence"
    is_about_people: ClassVar[bool] = False

    sentences: Mapping[str, Sentence]
    shown: Shown
    seed: int = 1
    title: str = "Are sentences supported?"
    items: Mapping[str, Item] = field(
        default_factory=lambda: {_ITEM: Item(id=_ITEM, text="-", form="choice", options=OPTIONS)}
    )

    def trials(self, answered: Mapping[str, Response]) -> Sequence[Trial]:
        """Two a sentence."""
        found = []
        for name, sentence in self.sentences.items():
            passages = "\n".join(f"- {escape_control_tokens(span.text)}" for span in self.shown.cited(sentence))
            asked = _ASKED.format(passages=passages, sentence=escape_control_tokens(sentence.text))
            for label, order in (("as_written", (0, 1)), ("reversed", (1, 0))):
                shown = tuple(OPTIONS[k] for k in order)
                text = f"{asked}\nOptions:\n" + "\n".join(f"- {option}" for option in shown)
                found.append(
                    Trial(
                        place=Place(subject=f"sentence-{name}", item=_ITEM, condition=(("order", label),)),
                        request=Request(messages=(Message("user", text),), continuations=shown, closes=True),
                        reply=Reply(form="choice", method="option_text", options=shown, order=order, decide="mode"),
                    )
                )
        return found


def verdicts(run: Run) -> dict[str, str]:
    """Sentences that the judge denies, by name, with its probability; both orders averaged, a tie denies.

    Of a sentence on which it gave no verdict that can be read, it has not said that it is supported.
    """
    shares: dict[str, list[float]] = {}
    for response in run.responses().values():
        found = shares.setdefault(response.place.subject.removeprefix("sentence-"), [])
        if response.status == "valid":
            found.append(response.probs[1] if response.probs else float(response.answer == 1))
    means = {name: sum(found) / len(found) for name, found in shares.items() if found}
    denied = {name: f"not supported, {mean:.2f}" for name, mean in means.items() if mean >= 0.5}
    return denied | {name: "no verdict that can be read" for name, found in shares.items() if not found}


def sheet(checked: Sequence[Checked], shown: Shown, n: int, *, seed: int = 1) -> str:
    """A sample of sentences for a person to judge, as CSV: fill `supported` with yes or no.

    What the checks said is not in it. Half of the sample, as far as there are so many, failed them.
    """
    rng = rng_for(seed, "sheet")
    failed = [k for k, found in enumerate(checked) if found.failed]
    stood = [k for k, found in enumerate(checked) if not found.failed]
    n_failed = min(len(failed), max(n // 2, n - len(stood)))
    drawn = [*rng.permutation(failed)[:n_failed], *rng.permutation(stood)[: n - n_failed]]
    rows = [
        {
            "number": int(k) + 1,
            "sentence": checked[int(k)].sentence.text,
            "passages": "\n".join(
                f"{told(shown.records[s.record])}: {s.text}" for s in shown.cited(checked[int(k)].sentence)
            ),
            "supported": "",
        }
        for k in sorted(drawn)
    ]
    return table_text(["number", "sentence", "passages", "supported"], rows)


def agreement(path: Path, checked: Sequence[Checked]) -> Estimate:
    """How far a person who filled in a `sheet` and the checks agree: Cohen's kappa, which is not the person's error.

    Raises
    ------
    DataError
        If a row names another sentence, or was not filled in with yes or no.
    """
    table = [[0, 0], [0, 0]]
    for where, row in read_table(path, ("number", "sentence", "supported")):
        said = row["supported"].strip().lower()
        number = int(row["number"]) if row["number"].isdigit() else 0
        if said not in ("yes", "no"):
            raise DataError(f"{where}: supported is {row['supported']!r}; write yes or no")
        if not 1 <= number <= len(checked) or checked[number - 1].sentence.text != row["sentence"]:
            raise DataError(f"{where}: sentence {row['number']} reads otherwise; draw the sheet anew")
        table[said == "no"][checked[number - 1].failed is not None] += 1
    return cohen_kappa(table, target="human")
