"""Subjects, and how their traits are put into words."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from proband.errors import DataError, DesignError

Code = int | float | str
PersonaFormat = Literal["first", "third", "interview", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One who is asked.

    Attributes
    ----------
    id : str
        Unique in its population.
    traits : mapping of str to int, float or str
        Column -> code as in the data file; a missing trait is absent.
    weight : float
        How many people the subject stands for, up to a constant; at least 0.
    stratum, psu : str
        Stratum that it was drawn from, and sampling unit that it was drawn with; empty where there was none.
    fpc : float
        Units that the stratum has in all, or the share of them that was drawn; 0 where that is not told.
    """

    id: str
    traits: Mapping[str, Code]
    weight: float = 1.0
    stratum: str = ""
    psu: str = ""
    fpc: float = 0.0


def code_text(code: Code) -> str:
    """A code as text: whole numbers without a trailing ``.0``, and no blanks around it.

    Examples
    --------
    >>> code_text(36.0), code_text(2.5), code_text("White "), code_text("NA ")
    ('36', '2.5', 'White', 'NA')
    """
    return str(int(code) if isinstance(code, float) and code.is_integer() else code).strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """How one trait is put into words.

    Attributes
    ----------
    column : str
        Column of the data file.
    first, third : str
        Sentence with ``{value}`` in it, e.g. ``I am {value} years old.`` and ``The person is {value} years old.``
    question : str
        What an interviewer would ask, for the "interview" format; the first-person sentence answers it.
    labels : mapping of code to str
        What ``{value}`` reads for each code; without labels, the code itself. Keys match by their text, so
        "1" in a TOML file stands for 1 and 1.0 in the data.
    missing : tuple of codes
        Codes that mean "no answer" in this column; the sentence is left out.
    is_number : bool
        Whether a code outside `labels` is a number to be said as it is (an age of which only the top code
        has a label). Otherwise such a code is an error.

    Examples
    --------
    >>> educ = Field(column="educ", first="I have {value}.", third="The person has {value}.",
    ...              labels={"1": "no degree", "2": "a degree"})
    >>> educ.value(2.0)
    'a degree'
    """

    column: str
    first: str
    third: str
    question: str = ""
    labels: Mapping[Code, str] = field(default_factory=dict)
    missing: tuple[Code, ...] = ()
    is_number: bool = False

    def __post_init__(self) -> None:
        if not self.column:
            raise DataError('a persona field needs a column; write column = "NAME"')
        for name, sentence in (("first", self.first), ("third", self.third)):
            if "{value}" not in sentence:
                raise DataError(f"persona field {self.column!r}: {name} is {sentence!r}; put {{value}} into it")
        for name, told in {"first": self.first, "third": self.third, "question": self.question}.items():
            rest = told if name == "question" else told.replace("{value}", "")
            if "{" in rest or "}" in rest:
                raise DataError(
                    f"persona field {self.column!r}: {name} is {told!r}; only {{value}} is filled in, in first and "
                    "third, so write the other words out"
                )
        by_text = {code_text(code): label for code, label in self.labels.items()}
        if len(by_text) != len(self.labels):
            raise DataError(f"persona field {self.column!r}: two labels for one code; keep one of them")
        if empty := [code for code, label in by_text.items() if not label.strip()]:
            raise DataError(f"persona field {self.column!r}: the label of code {empty[0]} is empty; write it")
        object.__setattr__(self, "labels", by_text)
        object.__setattr__(self, "missing", tuple(self.missing))

    def value(self, code: Code) -> str | None:
        """What ``{value}`` reads for a code; None where the code means "no answer".

        Raises
        ------
        DataError
            If the code has no label though others have, and is not declared missing.
        """
        text = code_text(code)
        if text in map(code_text, self.missing):
            return None
        if not self.labels or text in self.labels:
            return self.labels.get(text, text)
        if self.is_number and not isinstance(code, str):
            return text
        others = ", ".join(map(str, self.labels))
        raise DataError(
            f"persona field {self.column!r}: code {code!r} has no label (others have: {others}); "
            "add it to labels, list it in missing, or set is_number if codes without a label are numbers"
        )


def describe(subject: Subject, fields: Sequence[Field], format: PersonaFormat, omit: Collection[str] = ()) -> str:
    """The backstory of a subject, in the order of the fields.

    Sentences are joined by a space; in the "interview" format, question and answer stand on lines of
    their own. The forms follow the backstories and interviews of Argyle et al. (2023).

    Parameters
    ----------
    subject : Subject
        Whose traits are told.
    fields : sequence of Field
        How; a field that the subject has no value for is skipped.
    format : {"first", "third", "interview", "none"}
        "none" gives an empty text.
    omit : collection of str
        Columns left out, e.g. those that would give the answer away.

    Returns
    -------
    str
        Empty where nothing is known.

    Raises
    ------
    DataError
        If a code has no label, or a field no question where one is needed.
    DesignError
        If the format is unknown.

    References
    ----------
    Argyle et al. (2023), Political Analysis 31, 337-351. doi:10.1017/pan.2023.2

    Examples
    --------
    >>> age = Field(column="age", first="I am {value} years old.", third="The person is {value} years old.")
    >>> describe(Subject(id="1", traits={"age": 36.0}), [age], "first")
    'I am 36 years old.'
    """
    if format not in get_args(PersonaFormat):
        raise DesignError(f"persona format {format!r} is none of {', '.join(get_args(PersonaFormat))}")
    if format == "none":
        return ""
    told = [_tell(subject, field_, format) for field_ in fields if field_.column not in omit]
    return ("\n" if format == "interview" else " ").join(text for text in told if text)


def _tell(subject: Subject, field_: Field, format: PersonaFormat) -> str:
    """One field of a subject in words, empty where the subject has no value."""
    code = subject.traits.get(field_.column)
    value = None if code is None else field_.value(code)
    if value is None:
        return ""
    told = (field_.third if format == "third" else field_.first).replace("{value}", value)
    if format != "interview":
        return told
    if not field_.question:
        way_out = "add `question`, or use another persona format"
        raise DataError(f"persona field {field_.column!r} has no question; {way_out}")
    return f"Interviewer: {field_.question}\nMe: {told}"
