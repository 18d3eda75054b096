"""The words in which an engine is asked for hypotheses, and for what they say of a case."""

from collections.abc import Mapping, Sequence

from proband.instruments.extraction import record_instruction
from proband.instruments.items import Item
from proband.literature.hypotheses.record import Hypothesis
from proband.literature.hypotheses.rows import Rows
from proband.literature.spans import Span
from proband.records import RecordField
from proband.subjects.corpora import escape_control_tokens

SYSTEM = (
    "You propose hypotheses for research. A hypothesis names two variables, says how the one goes with the other, and "
    "can be shown to be wrong by what is observed."
)
CRITIC = "You judge hypotheses for research, and you look for what is wrong with them."
JUDGE = "You say what a statement foretells of a case. You do not say whether the statement is right."
PLAIN = "Propose one hypothesis about this."
LESS_LIKELY = (
    "The likely hypothesis is this one:\n{before}\n\nPropose another one that is possible but improbable: another "
    "variable or another mechanism, and no variant of the likely one."
)
THOUGHTS = (
    "Think before a hypothesis is proposed. In a few sentences: which variables matter here, how could the one bring "
    "about the other, and for whom would that not be so?"
)
STEPWISE = "These are thoughts about it:\n{before}\n\nPropose one hypothesis that follows from them."
CRITIQUE = (
    "This hypothesis was proposed:\n{before}\n\nIn a few sentences: what is wrong with it? Is it clear, is it new, "
    "could it be shown to be wrong, what else would explain the same?"
)
REVISED = (
    "You proposed this hypothesis:\n{before}\n\nA critic says:\n{critique}\n\nPropose it again and better; or another "
    "one, where it cannot be saved."
)
NOTHING = "(none was given)"


def record_item(n_spans: int) -> Item:
    """The record of a hypothesis; of shown passages it can name those only that there are."""
    fields = [
        RecordField(name="independent", definition="the variable that matters, a few words", quoted=False),
        RecordField(name="dependent", definition="the variable that it goes with, a few words", quoted=False),
        RecordField(
            name="direction", definition="what the dependent variable does as the independent one grows; differs where "
            "the independent one has no order", kind="choice", options=("more", "less", "differs", "none"),
            quoted=False,
        ),
        RecordField(name="mechanism", definition="why that should be so", quoted=False),
        RecordField(name="population", definition="of whom it is said", quoted=False),
        RecordField(name="moderator", definition="on what it may depend", quoted=False),
        RecordField(name="falsifier", definition="what would have to be observed for it to be given up", quoted=False),
        RecordField(name="test", definition="design and analysis that would decide", quoted=False),
    ]  # fmt: skip
    if n_spans:
        # A choice has two options at least; with one passage the second says that there is none.
        options = tuple(str(k) for k in range(1, n_spans + 1)) if n_spans > 1 else ("1", "none")
        fields += [
            RecordField(name=name, definition=what, kind="choice", options=options, quoted=False)
            for name, what in (("source", "number of the passage that it is drawn from"),
                               ("source_2", "number of a second passage, if there is one"))
        ]  # fmt: skip
    return Item(id="hypothesis", text="One hypothesis, as a record.", form="record", fields=tuple(fields))


def instruction(item: Item) -> str:
    """How the record is to be written; nothing is taken from a text here, so only what may be missing may be null."""
    return record_instruction(item, "Only moderator and sources may be null.")


def context(about: str, spans: Sequence[Span], cases: str) -> str:
    """What every prompt begins with: the question, passages with their numbers, cases."""
    parts = [about.strip()]
    if spans:
        listed = "\n".join(f"[{k}] {escape_control_tokens(span.text)}" for k, span in enumerate(spans, start=1))
        parts.append(f"Passages:\n{listed}")
    return "\n\n".join([*parts, *([cases] if cases else [])])


def told(hypothesis: Hypothesis | None) -> str:
    """A hypothesis as it is shown to whoever goes on with it."""
    if hypothesis is None:
        return NOTHING
    more: Mapping[str, str] = {
        "Mechanism": hypothesis.mechanism, "Population": hypothesis.population,
        "Depends on": ", ".join(hypothesis.moderators), "Shown to be wrong by": hypothesis.falsifier,
        "Test": hypothesis.test,
    }  # fmt: skip
    lines = [f"{hypothesis.says}.", *(f"{name}: {value}" for name, value in more.items() if value)]
    return escape_control_tokens("\n".join(lines))


def cases_text(rows: Rows, places: Sequence[int], *, erred: bool) -> str:
    """Rows with their outcomes, as they are shown to whoever proposes."""
    head = "Cases that the hypotheses so far foretell wrongly" if erred else "Some cases"
    return f"{head}:\n" + "\n".join(f"- {case_text(rows, k)}; {rows.outcome}: {rows.labels[k]}" for k in places)


def case_text(rows: Rows, place: int) -> str:
    """The texts of one row, each under the name of its column."""
    return escape_control_tokens("; ".join(f"{column}: {texts[place]}" for column, texts in rows.texts.items()))
