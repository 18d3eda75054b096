import pytest

from proband.designs.experiments.material import Vignettes, read_vignettes
from proband.designs.experiments.vignettes import (
    Drafting,
    LimitsTable,
    VignetteFile,
    chosen,
    filled,
    problems,
    write_vignettes,
)
from proband.errors import DesignError
from proband.instruments.defects.reading_level import reading_grade
from proband.models.scripted import ScriptedEngine
from proband.runs import collect

FACTORS = {"role": {"nurse": "a nurse", "banker": "a banker"}, "age": {"young": "25", "old": "60"}}
TEMPLATE = "Sam is {role} of {age} years. Last week a wallet went missing. Sam was seen near it."
FILE = VignetteFile(about="how guilty a suspect seems", factors=FACTORS, drafts=3)
LIMITS = LimitsTable()


def test_a_template_becomes_every_combination_with_its_spans_marked(tmp_path):
    made = filled(TEMPLATE, FACTORS)
    assert made.factors == ("role", "age")
    assert len(made.texts) == 4
    assert made.texts["banker", "old"].startswith("Sam is [[a banker]] of [[60]] years.")
    assert problems(made, LIMITS) == []
    write_vignettes(made, tmp_path / "set.csv")
    assert read_vignettes(tmp_path / "set.csv") == made
    with pytest.raises(DesignError, match="is there already, perhaps edited"):
        write_vignettes(made, tmp_path / "set.csv")


@pytest.mark.parametrize(
    ("template", "said"),
    [("Sam is {role}.", "no {age}"), ("Sam is {role} of {age} in {town}.", "has {town}, which is no factor")],
)
def test_a_template_that_lacks_a_factor_or_has_another_is_refused(template, said):
    with pytest.raises(DesignError, match=said):
        filled(template, FACTORS)


def edited(old, new, levels=("banker", "old")):
    made = filled(TEMPLATE, FACTORS)
    assert old in made.texts[levels]
    return Vignettes(made.factors, {**made.texts, levels: made.texts[levels].replace(old, new)})


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("Last week", "Yesterday", "'banker, old' differs from 'nurse, young' outside the span: 'Yesterday' instead"),
        ("[[60]]", "[[70]]", "span 2 does not go with one factor: '25', '60', '70'"),
        ("[[60]] years", "[[60 long, long, long years]]", "differs from"),
        ("[[a banker]]", "[[a banker whom all in the town know by sight or name]]", "has 28 words, the median is 18"),
        ("[[60]]", "[[60 (call 030 123 45678)]]", "what looks like a telephone number: '030 123 45678'"),
        ("[[60]]", "[[60, sam@example.org]]", "what looks like an e-mail address"),
        ("[[60]]", "[[60, of 12 Long Street,]]", "what looks like a street address: '12 Long Street'"),
    ],
)  # fmt: skip
def test_what_an_edit_breaks_is_named(old, new, said):
    assert any(said in problem for problem in problems(edited(old, new), LimitsTable(length=0.5)))


def test_a_combination_that_is_missing_and_a_factor_that_says_nothing_are_named():
    made = filled(TEMPLATE, FACTORS)
    some = {levels: text for levels, text in made.texts.items() if levels != ("banker", "old")}
    assert "there is no text for banker, old" in problems(Vignettes(made.factors, some), LIMITS)
    same = Vignettes(made.factors, {levels: text.replace("60", "25") for levels, text in made.texts.items()})
    assert problems(same, LIMITS) == ["no words go with the factor 'age'"]


def test_a_hard_text_is_told_by_its_grade():
    easy = "The cat sat on the mat. It was warm. The cat slept."
    hard = (
        "Notwithstanding considerable institutional deliberation, representatives characteristically underestimated "
        "organisational interdependencies, precipitating irreversible administrative reconfiguration."
    )
    assert reading_grade(easy) < 2 < 15 < reading_grade(hard)
    made = filled(f"{hard} Sam is {{role}} of {{age}}.", FACTORS)
    assert sum("reads like grade" in problem for problem in problems(made, LIMITS)) == 4


def test_the_first_draft_that_passes_is_taken_and_others_say_why_not(tmp_path):
    drafts = {"draft-1": "Sam is a nurse.", "draft-2": TEMPLATE + " Write to sam@example.org.", "draft-3": TEMPLATE}
    design = Drafting(file=FILE, seed=1)
    engine = ScriptedEngine(lambda trial: drafts[trial.place.subject], seed=1)
    run = collect(design, engine, tmp_path)
    assert "{role}: a nurse or a banker" in design.trials({})[0].request.messages[0].text
    written = [str(response.answer) for response in run.responses().values()]
    assert chosen(written, FILE) == filled(TEMPLATE, FACTORS)
    with pytest.raises(
        DesignError, match=r"no draft passes \(draft 1: the template has no {role}.*; draft 2: .*e-mail"
    ):
        chosen(written[:2], FILE)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("role,age\nx,y\n", "columns are role, age; there must be `text`"),
        ("role,text\nnurse,a\nnurse,b\n", "line 3: a second vignette for nurse"),
        ("role,text\nnurse,\n", "line 2: an empty text for nurse"),
        ("", "columns are no rows"),
    ],
)
def test_a_file_of_vignettes_that_is_not_whole_is_refused(tmp_path, text, said):
    path = tmp_path / "set.csv"
    path.write_text(text)
    with pytest.raises(DesignError, match=said):
        read_vignettes(path)
