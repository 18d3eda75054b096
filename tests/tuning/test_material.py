import json

import pytest

from proband.errors import DataError, DesignError
from proband.tuning.material import Material, limited, prompt_from
from proband.tuning.study_file import CATALOGUE, checked, read_align_file

STUDY = {
    "title": "t",
    "seed": 1,
    "base": "smollm2",
    "bank": {
        "source": "facts",
        "only": ["geography", "chemistry"],
        "topics": ["capitals", "currencies", "symbols"],
        "limit": 30,
        "test": 20,
    },
    "benchmark": {"source": "facts", "topics": ["neighbours", "weekdays"], "limit": 10},
}


def material(**changes):
    return Material(file=checked(STUDY | changes, "study.toml"))


@pytest.mark.parametrize("name", sorted(path.stem for path in CATALOGUE.glob("*.toml")))
def test_every_study_of_the_catalogue_can_be_read(name):
    found = Material(file=read_align_file(name))
    assert found.arms
    assert found.recipe(1).seed == 1
    assert found.asks[0].shots == 0


@pytest.fixture
def published(tmp_path):
    """A folder as published: DOMAIN/PART.jsonl without a field for the domain, and MMLU's PART/SUBJECT.jsonl."""

    def write(name, n, start=0, *, explained=True):
        file = tmp_path / f"{name}.jsonl"
        file.parent.mkdir(parents=True, exist_ok=True)
        records = (
            {
                "id": k,
                "question": f"What is {k} of {name}?",
                "choices": ["one", "two", "three", f"{k}"],
                "answer": k % 4,
                "explanation": "As it was counted so." if explained else None,
            }
            for k in range(start, start + n)
        )
        file.write_text("".join(json.dumps(record) + "\n" for record in records))
        return file

    for domain in ("history", "medmcqa"):
        for part, n in (("dev", 6), ("test", 5), ("train", 8)):
            write(f"bank/{domain}/{part}", n, explained=domain == "medmcqa")
    for part, n in (("dev", 5), ("test", 3)):
        write(f"mmlu/{part}/prehistory", n)
    return write


def published_study(folder, **changes):
    study = STUDY | {
        "bank": {"source": "bank", "parts": "published"},
        "benchmark": {"source": "mmlu", "parts": "published"},
        "probe": {"use": "ren2024-probe"},
    }
    return Material(file=checked(study | changes, "study.toml"), folder=folder)


def test_published_parts_are_taken_as_they_stand(published, tmp_path):
    found = published_study(tmp_path)
    found.check()
    assert found.domains == ("history", "medicine")
    assert [q.id for q in found.split.train] == [
        f"{name}/train/{k}" for name in ("history", "medmcqa") for k in range(8)
    ]
    assert [len(found.split.exemplars.of(domain)) for domain in found.domains] == [6 + 5, 6]
    bank, tests = found.tests
    assert {(test.test, test.domain): len(test.questions) for test in tests} == {
        ("homogeneous", "history"): 5, ("in-domain", "history"): 3,
        ("homogeneous", "medicine"): 5, ("out-of-domain", "medicine"): 3,
    }  # fmt: skip
    assert {q.topic for q in bank} == {"", "prehistory"}


def test_published_parts_that_lack_something_are_refused_by_domain(published, tmp_path):
    for explanation, writer, said in (
        ("bank", None, "domain 'history' of 'bank' has none"),
        ("bank_or_other", None, r"'history' of 'bank' has 0 for 8 questions; name the engine"),
    ):
        sets = {"arms": ["incompatible"], "explanation": explanation, "writer": writer}
        with pytest.raises(DesignError, match=said):
            published_study(tmp_path, sets=sets).check()
    published_study(tmp_path, sets=sets | {"writer": "smollm2"}).check()
    dev = published("bank/history/dev", 6)
    dev.unlink()
    with pytest.raises(DataError, match="domain 'history' has no dev questions"):
        published_study(tmp_path).check()
    dev.write_text('{"id": 1, "question": "Who?", "choices": ["I", "I", "You", "We"], "answer": 2}\n')
    with pytest.raises(DataError, match=r"history/dev.jsonl, line 1: .*the same option twice, 'I'"):
        published_study(tmp_path).check()
    for file in tmp_path.glob("bank/*/dev.jsonl"):
        file.unlink()
    with pytest.raises(DataError, match=r"no usable question in the splits dev; .* e\.g\. dev\.jsonl"):
        published_study(tmp_path).check()


def test_train_exemplars_and_tests_share_no_question():
    found = material()
    bank, tests = found.tests
    parts = [{question.id for question in part} for part in (found.split.train, found.split.exemplars, bank)]
    assert sum(map(len, parts)) == len(set.union(*parts))
    assert {test.test for test in tests} == {"homogeneous", "in-domain", "out-of-domain"}
    assert all(len(found.split.train.of(domain)) == 30 for domain in found.domains)


def test_home_tests_hold_the_domain_and_others_lie_outside():
    bank, tests = material().tests
    for test in tests:
        domains = {bank[id].domain for id in test.questions}
        assert (domains == {test.domain}) == (test.test != "out-of-domain")
        assert test.test != "out-of-domain" or test.domain not in domains


def test_the_toy_world_brings_its_own_banks():
    found = Material(file=read_align_file("toy"))
    assert found.world is not None
    assert set(found.domains) == set(found.world.bank.domains)
    assert found.split.exemplars.hash == found.world.exemplars.hash
    some = {"title": "t", "seed": 1, "base": "toy", "bank": {"source": "toy", "only": ["towns"], "test": 10}}
    assert Material(file=checked(some, "study.toml")).domains == ("towns",)


def test_training_questions_that_are_all_in_the_tests_are_refused():
    with pytest.raises(DataError, match="take other tests"):
        _ = material(benchmark={"source": "facts"}).split


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"bank": None}, "bank is missing"),
        ({"keep": "adapters"}, "keep is 'adapters', and training changes all weights"),
        ({"keep": "scores", "objectives": {"kl": {"objective": "kl"}}}, "keep is 'scores', and this study asks"),
        ({"sets": {"arms": [{"use": "contextualised", "context": "other"}]}}, "sets.writer"),
        ({"sets": {"arms": [{"target": "own"}]}}, "needs a name"),
        ({"sets": {"arms": [{"name": "x", "goal": "own"}]}}, "arm 'x': no setting 'goal'"),
        ({"bank": {"source": "facts", "topics": ["rivers"]}}, "no topic 'rivers'"),
        ({"bank": {"source": "facts", "only": ["law"]}}, "no domain 'law'"),
        ({"bank": {"source": "facts", "test": 5000}}, "ask for fewer"),
        ({"sets": {"arms": ["mixture-1.4"]}}, "1.4"),
        ({"sets": {"arms": ["harmonic"]}}, "no arm 'harmonic'"),
        ({"sets": {"prompt": "zero"}}, "no prompt 'zero'"),
        ({"sets": {"colour": 1}}, "no 'colour'"),
        ({"sets": {"general_share": 1.0}}, "general_share 1.0"),
        ({"sets": {"by_domain": False}}, "by_domain"),
        ({"sets": {"prompt": "few-shot-text"}}, "training poses a question alone"),
        ({"sets": {"arms": ["self-aligning"], "explanation": "other"}}, "sets.writer"),
        ({"probe": {"use": "probe-text", "shot": 3}}, r"probe: no key 'shot' \(did you mean 'shots'\?\)"),
        ({"training": {"use": "miniature", "rate": 1.0}}, "rate"),
        ({"training": {"seeds": [1, 1]}}, "give each once"),
        ({"evaluation": {"asks": ["zero-shot", "zero-shot"]}}, "name each its own"),
    ],
)
def test_what_could_only_fail_later_is_refused_first(changes, said):
    with pytest.raises((DesignError, DataError), match=said):
        material(**changes).check()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"banks": {}}, "no key 'banks'"),
        ({"bank": {"source": "facts", "tests": 3}}, r"no key 'bank.tests' \(did you mean 'test'\?\); there are source"),
        ({"seed": "one"}, "seed"),
        ({"base": ""}, "name one model"),
        ({"base": "", "bases": ["hf:a/toy", {"base": "toy"}]}, "two bases are named 'toy'"),
    ],
)
def test_a_key_that_does_not_exist_is_named(changes, said):
    with pytest.raises(DesignError, match=said):
        material(**changes)


@pytest.mark.parametrize("name", ["ren2024-7b", "ren2024-13b", "ren2024-70b", "ren2024-mistral"])
def test_a_published_base_goes_by_its_short_name(name):
    assert name.removeprefix("ren2024-") in read_align_file(name).every_base[0].name


def test_a_study_file_that_is_not_there_says_which_there_are():
    with pytest.raises(DesignError, match=r"ren2024-llama-2-7b, .*ren2024-mistral-7b, smollm2, .*toy"):
        read_align_file("toyy")


def test_a_limit_draws_the_same_questions_whatever_their_order():
    bank = material().bank
    turned = bank.select([question.id for question in reversed(bank.questions)])
    kept = [{question.id for question in limited(one, 7, 3)} for one in (bank, turned)]
    assert kept[0] == kept[1]


def test_a_prompt_takes_the_settings_that_are_changed():
    assert prompt_from({"use": "probe-text", "name": "p", "shots": 2}, "x").shots == 2


@pytest.mark.parametrize(
    ("evaluation", "words"),
    [
        ({"steps": [0, 12, 24, 48]}, r"evaluation\.steps names step 48, and training has 24"),
        ({"steps": [4, 2]}, "give them rising, from 0 on"),
        ({"steps": [0, 1], "asks": ["few-shot"], "base_ask": "probe-text"}, "put a zero-shot prompt first"),
    ],
)
def test_steps_that_training_never_comes_to_are_refused_before_anything_is_asked(evaluation, words):
    with pytest.raises(DesignError, match=words):
        material(evaluation=evaluation, training={"use": "miniature", "steps": 24}).check()


def test_a_planted_world_is_asked_behind_contexts_and_shares_no_study_with_the_toy_model():
    planted = Material(file=checked({"title": "t", "seed": 1, "base": "planted", "bank": {"source": "toy"}}, "s.toml"))
    assert len(planted.behind_contexts) == 4 * len(planted.split.test)
    assert material().behind_contexts is None
    both = Material(file=checked({"title": "t", "seed": 1, "bases": ["planted", "toy"]}, "s.toml"))
    with pytest.raises(DesignError, match="worlds of their own"):
        both.check()
