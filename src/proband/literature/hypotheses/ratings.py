"""Ratings of hypotheses by people and engines who do not see where they come from, as a coding study.

Nothing of it is new: hypotheses are documents, the five dimensions a codebook, and the strategy a column of the corpus
that no rater is shown; `proband run` has engines rate, `proband code` people, and the analysis `writers` compares.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from proband.errors import DesignError
from proband.files import in_toml
from proband.literature.hypotheses.record import Hypothesis
from proband.literature.hypotheses.wording import told
from proband.seeds import rng_for
from proband.texts.gold.tables import write_table, write_text

DIMENSIONS: Mapping[str, tuple[str, str]] = {
    "clarity": ("How clear is the hypothesis?", "what is said of which variables is plain"),
    "originality": ("How original is the hypothesis?", "it says what has not been said many times"),
    "impact": ("How much would it matter, were the hypothesis so?", "theory or practice would have to change"),
    "plausibility": ("How plausible is the hypothesis?", "what is known makes it likely"),
    "relevance": ("How relevant is the hypothesis to its field?", "those who work in the field would want to know"),
}
"""Dimensions of Banker et al. (2024, American Psychologist 79(6)), in wordings of our own."""
_STEPS = ("Not at all", "A little", "Somewhat", "Very", "Extremely")


def write_ratings(into: Path, hypotheses: Sequence[Hypothesis], engines: Mapping[str, str], *, seed: int = 1) -> Path:
    """Write a study file in which raters rate hypotheses blind, and its corpus beside it.

    Parameters
    ----------
    into : path
        Study file to write, `.toml`; the corpus is `NAME.csv`.
    hypotheses : sequence of Hypothesis
        In any order: they are shown in one that is drawn.
    engines : mapping of str to str
        Rater -> address.
    seed : int
        Of the order.

    Returns
    -------
    path
        Of the corpus.

    Raises
    ------
    DesignError
        If the study file is there, or there is nothing to rate.
    """
    if into.exists() or into.suffix != ".toml" or not hypotheses:
        raise DesignError(
            f"{into}: {len(hypotheses)} hypotheses; ratings need one at least, and a .toml file that is not there yet"
        )
    drawn = rng_for(seed, "hypotheses", "ratings").permutation(len(hypotheses)).tolist()
    rows = [
        {"id": hypotheses[k].id, "writer": hypotheses[k].strategy, "text": told(hypotheses[k]).replace("\n", " ")}
        for k in drawn
    ]
    corpus = into.with_suffix(".csv")
    write_table(corpus, ("id", "writer", "text"), rows)
    parts = [
        "# Raters see the text and nothing else: who proposed it, and how, stands in a column that is not shown.",
        f'title = "Ratings of hypotheses"\nseed = {seed}\n',
        "[engine]\n" + "".join(f"{name} = {in_toml(address)}\n" for name, address in engines.items()),
        '[instrument]\nid = "hypothesis-ratings"\ntitle = "Ratings of hypotheses"\n'
        'introduction = "You rate hypotheses for research. Each is rated by itself."\n',
        *(_question(name, text, most) for name, (text, most) in DIMENSIONS.items()),
        f'[coding.corpus]\nfile = {in_toml(corpus.name)}\nid = "id"\ntext = "text"\n',
    ]
    write_text(into, "\n".join(parts))
    return corpus


def _question(name: str, text: str, most: str) -> str:
    lines = [f'[[instrument.questions]]\nid = "{name}"\ntext = {in_toml(text)}\nform = "scale"\n']
    for k, step in enumerate(_STEPS, start=1):
        definition = f"{step}: {most}." if k == len(_STEPS) else f"{k} of {len(_STEPS)} steps towards: {most}."
        lines.append(f"[[instrument.questions.codes]]\nlabel = {in_toml(step)}\ndefinition = {in_toml(definition)}\n"
                     f"value = {k}\n")  # fmt: skip
    return "\n".join(lines)
