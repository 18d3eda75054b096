"""Vignettes: a construct and factors become a factorial set of texts, checked before and after it is edited."""

import csv
import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from pydantic import Field, StrictInt

from proband import files
from proband.designs.design import Design
from proband.designs.experiments.material import Vignettes
from proband.designs.experiments.spans import differences, spans_in, unmarked
from proband.errors import DesignError, StoreError
from proband.files import Table
from proband.instruments.defects.reading_level import reading_grade
from proband.instruments.items import Item
from proband.records import Message, Place, Reply, Request, Response, Trial
from proband.seeds import seed_for

_BRACES = re.compile(r"\{([^{}]*)\}")
_PERSONAL = {
    "an e-mail address": r"[\w.+-]+@[\w-]+\.\w+",
    "a link": r"\bhttps?://|\bwww\.",
    "a telephone number": r"(?<!\d)(?:\+\d{1,3}[ /.-]?)?(?:\(\d{2,5}\)|\d{2,5})[ /.-]\d{3,4}[ .-]?\d{3,5}(?!\d)",
    "an account number": r"\b[A-Z]{2}\d{2}(?: ?\w{4}){3,7}\b",
    "the number of a card or an identity": r"\b(?:\d{4}[ -]?){3}\d{4}\b|\b\d{3}-\d{2}-\d{4}\b",
    "a street address": r"\b\d{1,5} (?:[A-Z]\w+ ){1,3}(?:Street|St\.|Avenue|Ave\.|Road|Rd\.|Lane|Drive)(?!\w)",
    "a date of birth": r"(?i)\bborn (?:on|in) [^.]*\d{4}",
}
_ASKED = (
    "Write a short text for a study about {about}. It describes one situation, in plain words, in about {words} "
    "words, in the third person and without names.\n\nSome words of it will be replaced. Write them in braces, exactly "
    "so, each of them once:\n{places}\n\nThe text must read well with every replacement, and nothing else in it may "
    "depend on them. Reply with the text, and nothing else."
)


class LimitsTable(Table):
    """What code holds a set of vignettes to."""

    length: float = Field(default=0.1, description="by what share of the median a text may be longer or shorter")
    grade: float = Field(
        default=10.0, description="highest reading level, in years of school (Flesch-Kincaid, English)"
    )
    personal: bool = Field(default=False, description="whether what looks like personal data may stand in a text")


class VignetteFile(Table):
    """A construct, its factors, and how their texts come about."""

    about: str = Field(description="the construct: what the vignettes are about, for whoever drafts them")
    seed: StrictInt = Field(default=1, description="whole number, for the drafts")
    factors: dict[str, dict[str, str]] = Field(description="name -> level -> words that stand for it in the text")
    template: str = Field(default="", description="the text with `{name}` for every factor; without it one is drafted")
    words: StrictInt = Field(default=60, description="how long a draft is, about")
    drafts: StrictInt = Field(default=5, description="how many drafts are asked for; the first that passes is taken")
    engine: str = Field(default="smollm2", description="address of who drafts")
    limits: LimitsTable = Field(default=LimitsTable(), description="what the texts are held to")


def read_vignette_file(path: Path) -> VignetteFile:
    """The file that describes a set of vignettes."""
    text = files.text_of(path, what="vignette file", error=DesignError)
    file = files.checked(VignetteFile, files.parsed(text, path, error=DesignError), path, error=DesignError)
    if not file.factors or any(len(levels) < 2 for levels in file.factors.values()):
        raise DesignError(f"{path}: vignettes vary something; give every factor two levels or more")
    return file


def filled(template: str, factors: Mapping[str, Mapping[str, str]]) -> Vignettes:
    """A template under every combination of levels, what stands for a level marked as a span.

    Raises
    ------
    DesignError
        If a factor is nowhere in the template, or braces name none.
    """
    places = _BRACES.findall(template)
    for name in factors:
        if name not in places:
            raise DesignError(f"the template has no {{{name}}}; put it where the words of this factor go")
    if unknown := [name for name in places if name not in factors]:
        raise DesignError(f"the template has {{{unknown[0]}}}, which is no factor; there are {', '.join(factors)}")
    texts = {}
    for levels in itertools.product(*factors.values()):
        words = {name: factors[name][level] for name, level in zip(factors, levels, strict=True)}
        texts[levels] = _BRACES.sub(lambda found, words=words: f"[[{words[found[1]]}]]", template.strip())  # type: ignore[misc]
    return Vignettes(tuple(factors), texts)


def problems(vignettes: Vignettes, limits: LimitsTable) -> list[str]:
    """What is wrong with a set of vignettes, a sentence each.

    Every combination has a text; texts differ in their spans only, and every span with one factor only; they are
    equally long within a tolerance, not too hard to read, and hold nothing that looks like personal data.
    """
    texts = {", ".join(levels): text for levels, text in vignettes.texts.items()}
    every = itertools.product(*(levels for levels in vignettes.levels.values()))
    found = [f"there is no text for {', '.join(levels)}" for levels in every if levels not in vignettes.texts]
    found += differences(texts) or _confounded(vignettes)
    lengths = {name: len(unmarked(text).split()) for name, text in texts.items()}
    median = sorted(lengths.values())[len(lengths) // 2]
    for name, text in texts.items():
        if abs(lengths[name] - median) > limits.length * median:
            found.append(f"{name!r} has {lengths[name]} words, the median is {median}")
        if (grade := reading_grade(unmarked(text))) > limits.grade:
            found.append(f"{name!r} reads like grade {grade:.1f}, above {limits.grade:g}; shorten sentences and words")
        for what, pattern in _PERSONAL.items():
            if not limits.personal and (match := re.search(pattern, unmarked(text))):
                found.append(f"{name!r} has what looks like {what}: {match[0]!r}")
    return found


def write_vignettes(vignettes: Vignettes, path: Path) -> None:
    """A CSV file with a column for every factor and the text, for the researcher to edit; none is replaced."""
    try:
        with path.open("x", encoding="utf-8", newline="") as file:
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow(["id", *vignettes.factors, "text"])
            for number, (levels, text) in enumerate(vignettes.texts.items(), start=1):
                rows.writerow([number, *levels, text])
    except FileExistsError:
        raise DesignError(
            f"{path}: is there already, perhaps edited; --check checks it, --into writes another"
        ) from None
    except OSError as error:
        raise StoreError(f"{path}: cannot be written ({error.strerror}); choose another file") from None


@dataclass(frozen=True, kw_only=True)
class Drafting(Design):
    """Templates of vignettes, asked of an engine several times over.

    Attributes
    ----------
    file : VignetteFile
        What they are about.
    seed : int
        Root of all randomness.
    """

    kind: ClassVar[str] = ""
    unit: ClassVar[str] = "draft"

    file: VignetteFile
    seed: int
    title: str = "Drafts of vignettes"
    items: Mapping[str, Item] = field(default_factory=lambda: {"template": Item(id="template", text="-", form="text")})

    def trials(self, answered: Mapping[str, Response]) -> Sequence[Trial]:
        """One a draft."""
        places = "\n".join(f"{{{name}}}: {' or '.join(levels.values())}" for name, levels in self.file.factors.items())
        text = _ASKED.format(about=self.file.about, words=self.file.words, places=places)
        trials = []
        for number in range(1, self.file.drafts + 1):
            place = Place(subject=f"draft-{number}", item="template")
            request = Request(
                messages=(Message("user", text),),
                max_tokens=4 * self.file.words + 64,
                temperature=1.0,
                seed=seed_for(self.seed, "write", place.id),
            )
            trials.append(Trial(place=place, request=request, reply=Reply(form="text", method="written")))
        return trials


def chosen(drafts: Sequence[str], file: VignetteFile) -> Vignettes:
    """The vignettes of the first draft that passes.

    Raises
    ------
    DesignError
        If none does: what is wrong with each.
    """
    refused = []
    for number, draft in enumerate(drafts, start=1):
        try:
            made = filled(draft, file.factors)
        except DesignError as error:
            refused.append(f"draft {number}: {error}")
            continue
        if not (wrong := problems(made, file.limits)):
            return made
        refused.append(f"draft {number}: {wrong[0]}")
    said = "; ".join(refused) or "none was written"
    raise DesignError(f"no draft passes ({said}); write a `template`, loosen `limits`, or ask another engine")


def _confounded(vignettes: Vignettes) -> list[str]:
    """Spans whose words no single factor settles, and factors that change no words; all texts have as many spans."""
    found = []
    spans = {levels: spans_in(text) for levels, text in vignettes.texts.items()}
    moved: dict[str, bool] = dict.fromkeys(vignettes.factors, False)
    for place in range(len(next(iter(spans.values())))):
        words = {levels: shown[place] for levels, shown in spans.items()}
        settled = [
            name
            for k, name in enumerate(vignettes.factors)
            if len({(levels[k], text) for levels, text in words.items()}) == len({levels[k] for levels in words})
        ]
        if not settled:
            found.append(
                f"span {place + 1} does not go with one factor: {', '.join(map(repr, dict.fromkeys(words.values())))}"
            )
        moved |= dict.fromkeys(settled if len(set(words.values())) > 1 else [], True)
    return found + [
        f"no words go with the factor {name!r}" for name, is_told in moved.items() if not is_told and not found
    ]
