import csv
import gzip
import json

import pytest

from proband.errors import DataError, DesignError
from proband.instruments.banks.loading import load_bank
from proband.instruments.banks.subjects import MMLU_CATEGORIES, REN2024_DOMAINS

METALS = {"question": "Which is a metal?", "choices": ["neon", "iron", "argon"], "answer": 1, "domain": "chemistry"}


@pytest.fixture
def written(tmp_path):
    """Writes records as JSON lines."""

    def write(*records, name="bank.jsonl"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
        return path

    return write


def right(question):
    return question.choices[question.answer]


@pytest.mark.parametrize("answer", [1, "1", "B", "iron"])
def test_an_answer_is_an_index_a_letter_or_the_text(written, answer):
    bank = load_bank(written(METALS | {"answer": answer}))
    assert right(bank["bank/1"]) == "iron"


def test_a_text_that_is_also_another_letter_is_refused(written):
    path = written(METALS | {"choices": ["B", "A"], "answer": "A"})
    with pytest.raises(DataError, match="one option's letter and another's text; write the index"):
        load_bank(path)


def test_explanations_topics_and_own_ids_are_kept(written):
    path = written(METALS | {"id": "x-7", "explanation": "Iron conducts.", "topic": "metals"})
    question = load_bank(path)["x-7"]
    assert (question.explanation, question.topic, question.domain) == ("Iron conducts.", "metals", "chemistry")


def test_numbers_as_ids_are_made_unique_by_their_file(written, tmp_path):
    written(METALS | {"id": 0}, name="both/history/test.jsonl")
    written(METALS | {"id": 0}, name="both/law/test.jsonl")
    assert [question.id for question in load_bank(tmp_path / "both")] == ["history/test/0", "law/test/0"]


def test_the_records_of_the_paper_are_read_with_the_written_explanation(written):
    record = {"id": 3, "question": "What rests?", "choices": ["A body", "A wave"], "answer": 0, "explanation": None}
    path = written(record | {"gen_exp": {"input": "...", "output": "Forces cancel."}})
    question = load_bank(path, domain="engineering")["bank/3"]
    assert (question.explanation, question.domain) == ("Forces cancel.", "engineering")


def test_arc_labels_count_as_letters(written):
    choices = {"text": ["rock", "sand"], "label": ["1", "2"]}
    record = {"question": "Which is finer?", "choices": choices, "answerKey": "2"}
    assert right(load_bank(written(record), domain="science")["bank/1"]) == "sand"


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"choices": ["iron", "iron", "neon"]}, "two right answers, 'iron'"),
        ({"answer": 3}, "answer 3 is no index of 3 options"),
        ({"answer": None}, "no field 'answer'"),
        ({"answer": "gold"}, "answer 'gold' is no letter and no option"),
        ({"domain": ""}, "no domain; name one, e.g. with `domain=`"),
        ({"choices": ["iron"], "answer": 0}, "1 options; a choice needs at least two"),
        ({"question": " "}, "id and text must not be empty"),
        ({"choices": ["iron", ["neon"]]}, "option 2 is"),
    ],
)
def test_an_unfit_question_is_refused_with_file_and_line(written, change, cause):
    path = written(METALS, METALS | change)
    with pytest.raises(DataError, match=f"^bank.jsonl, line 2: .*{cause}"):
        load_bank(path)
    bank = load_bank(path, drop_unfit=True)
    assert len(bank) == 1
    assert bank.left_out[0].startswith("bank.jsonl, line 2: ")


def test_a_damaged_line_is_named_and_can_be_left_out(written):
    path = written(METALS)
    path.write_text(path.read_text() + '{"question": "half\n')
    with pytest.raises(DataError, match=r"line 2: no JSON .*drop_unfit=True"):
        load_bank(path)
    assert len(load_bank(path, drop_unfit=True).left_out) == 1


def test_a_file_of_unfit_questions_is_refused_even_when_they_may_be_dropped(written):
    with pytest.raises(DataError, match=r"no usable question; the first was refused: bank.jsonl, line 1"):
        load_bank(written(METALS | {"answer": 9}), drop_unfit=True)


def test_an_id_that_stands_twice_is_refused(written):
    with pytest.raises(DataError, match="line 2: the id 'x' was used before"):
        load_bank(written(METALS | {"id": "x"}, METALS | {"id": "x"}))


def test_bytes_that_are_no_text_are_refused(tmp_path):
    path = tmp_path / "bank.jsonl"
    path.write_bytes(json.dumps(METALS).replace("neon", "n\udce9on").encode("utf-8", "surrogateescape"))
    path.write_bytes(json.dumps(METALS).encode().replace(b"neon", b"n\xe9on"))
    with pytest.raises(DataError, match="option 1 is not UTF-8"):
        load_bank(path)


def test_a_missing_file_names_the_other_ways():
    with pytest.raises(DataError, match=r"no file, folder or embedded bank 'nowhere'.*hub:OWNER/NAME"):
        load_bank("nowhere")


def mmlu_folder(tmp_path):
    rows = [("What, then?", "a", "b", "c", "d", "C"), ("1 + 1\nis?", "1", "2", "3", "4", "B")]
    for subject in ("anatomy", "prehistory", "virology", "marketing"):
        for split in ("dev", "test"):
            path = tmp_path / "mmlu" / split / f"{subject}_{split}.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("w", newline="") as file:
                csv.writer(file).writerows(rows)
    return tmp_path / "mmlu"


def test_mmlu_tables_take_their_subject_from_the_file_and_the_papers_domains(tmp_path):
    bank = load_bank(mmlu_folder(tmp_path), splits=["test"])
    assert len(bank) == 8
    assert bank.domains == ("medicine", "business", "history")
    assert bank["test/anatomy_test/2"].text == "1 + 1\nis?"
    assert right(bank["test/anatomy_test/2"]) == "2"
    assert bank["test/virology_test/1"].topic == "virology"


def test_a_users_map_replaces_the_domains(tmp_path):
    folder = mmlu_folder(tmp_path)
    bank = load_bank(folder, domains={"anatomy": "body", "virology": "body", "*": "rest"})
    assert bank.domains == ("body", "rest")
    assert set(load_bank(folder, domains={"anatomy": "body"}).domains) == {"body", "business", "history", "health"}


def test_a_map_with_an_unknown_subject_is_refused(tmp_path):
    with pytest.raises(DesignError, match="'anatmy', which no question has"):
        load_bank(mmlu_folder(tmp_path), domains={"anatmy": "body", "*": "rest"})


def test_a_subject_that_the_map_lacks_is_unfit(written):
    path = written(METALS | {"topic": "metals"}, METALS | {"topic": "gases"})
    with pytest.raises(DataError, match=r"line 2: `domains` names none of gases; add it, or '\*'"):
        load_bank(path, domains={"metals": "chemistry"})


def test_the_papers_map_has_its_subjects():
    sizes = {domain: list(REN2024_DOMAINS.values()).count(domain) for domain in REN2024_DOMAINS.values()}
    assert sizes == {"medicine": 8, "history": 4, "engineering": 1, "jurisprudence": 15}
    assert len(MMLU_CATEGORIES) == 57


def test_a_table_with_a_header_and_a_parquet_file_say_the_same(tmp_path):
    from pyarrow import Table, parquet

    record = {"question": "Which?", "subject": "virology", "choices": ["a", "b", "c", "d"], "answer": 3}
    parquet.write_table(Table.from_pylist([record]), tmp_path / "bank.parquet")
    (tmp_path / "bank.csv").write_text("question,A,B,C,D,answer,subject\nWhich?,a,b,c,d,D,virology\n")
    first, second = (load_bank(tmp_path / f"bank.{suffix}").questions[0] for suffix in ("parquet", "csv"))
    assert (first.choices, first.answer, first.domain) == (second.choices, second.answer, second.domain)
    assert first.domain == "medicine"


def test_a_table_that_is_neither_is_refused_by_line(tmp_path):
    (tmp_path / "bank.csv").write_text("Which?,a,b,c,d,E\n")
    with pytest.raises(DataError, match=r"bank.csv, line 1: expected a header with `question`"):
        load_bank(tmp_path / "bank.csv")


def medmcqa(cop, **more):
    record = {"question": "Which nerve?", "opa": "optic", "opb": "facial", "opc": "vagus", "opd": "ulnar"}
    return record | {"cop": cop, "exp": "So it is.", "subject_name": "Anatomy", "choice_type": "single"} | more


def test_medmcqa_keys_count_from_1_or_0_as_the_file_shows(written):
    own, hub = (written(medmcqa(4), medmcqa(2), name="a.jsonl"), written(medmcqa(0), medmcqa(2), name="b.jsonl"))
    assert [right(question) for question in load_bank(own)] == ["ulnar", "facial"]
    assert [right(question) for question in load_bank(hub)] == ["optic", "vagus"]
    assert load_bank(own).domains == ("medicine",)
    assert load_bank(own).questions[0].explanation == "So it is."


def test_medmcqa_whose_count_is_open_is_refused_until_it_is_said(written):
    path = written(medmcqa(2))
    with pytest.raises(DataError, match='format="medmcqa-hub"'):
        load_bank(path)
    assert right(load_bank(path, format="medmcqa").questions[0]) == "facial"
    assert right(load_bank(path, format="medmcqa-hub").questions[0]) == "vagus"


def test_medmcqa_with_several_right_options_or_without_key_is_unfit(written):
    bank = load_bank(written(medmcqa(4), medmcqa(1, choice_type="multi"), medmcqa(None)), drop_unfit=True)
    assert len(bank) == 1
    assert "more than one option may be right" in bank.left_out[0]
    assert "cop is None" in bank.left_out[1]


def test_a_xiezhi_item_stands_in_each_of_its_domains(written):
    record = {"question": "Who ruled?", "labels": ["History", "Jurisprudence", "Roman law"], "answer": "Nero"}
    bank = load_bank(written(record | {"options": "Nero\nOtto\nKarl\nPaul"}))
    assert [(question.id, question.domain) for question in bank] == [
        ("bank/1/history", "history"),
        ("bank/1/jurisprudence", "jurisprudence"),
    ]
    assert bank.questions[0].topic == "Roman law"


def test_a_xiezhi_answer_that_is_no_option_is_unfit(written):
    record = {"question": "Who ruled?", "labels": ["History"], "answer": "Ada", "options": "Nero\nOtto"}
    with pytest.raises(DataError, match="the answer 'Ada' is none of the options 'Nero', 'Otto'"):
        load_bank(written(record))


TRIVIA = """#Q Which river
runs through Cairo?
^ The Nile
A The Rhine
B The Nile
C The Don

#Q Which is black?
^ Snow
A Coal
B Milk

"""


def test_trivia_text_is_read_with_its_category_from_the_file(tmp_path):
    (tmp_path / "rivers").write_text(TRIVIA)
    bank = load_bank(tmp_path / "rivers", drop_unfit=True)
    assert bank["rivers/1"].text == "Which river\nruns through Cairo?"
    assert right(bank["rivers/1"]) == "The Nile"
    assert bank.domains == ("rivers",)
    assert bank.left_out == ("rivers, line 8: the answer 'Snow' is none of the options 'Coal', 'Milk'",)


def test_the_same_file_elsewhere_or_compressed_is_the_same_bank(written, tmp_path):
    path = written(METALS)
    other = tmp_path / "elsewhere" / "bank.jsonl.gz"
    other.parent.mkdir()
    other.write_bytes(gzip.compress(path.read_bytes()))
    assert load_bank(path).hash == load_bank(other).hash


def test_a_damaged_archive_is_refused(tmp_path):
    (tmp_path / "bank.jsonl.gz").write_bytes(b"\x1f\x8b no archive")
    with pytest.raises(DataError, match=r"bank.jsonl.gz cannot be read .*fetch it again"):
        load_bank(tmp_path / "bank.jsonl.gz")


def test_real_mmlu_questions_load(shared_data):
    bank = load_bank(shared_data / "knowledge" / "mmlu_4domains_short.jsonl.gz", drop_unfit=True)
    assert len(bank) + len(bank.left_out) == 2562
    assert set(bank.domains) == {"medicine", "history", "engineering", "law"}  # as this file divides them
    papers = load_bank(
        shared_data / "knowledge" / "mmlu_4domains_short.jsonl.gz", domains=REN2024_DOMAINS, drop_unfit=True
    )
    assert {question.topic for question in papers.of("engineering")} == {"electrical_engineering"}


def test_real_trivia_loads(shared_data):
    bank = load_bank(shared_data / "knowledge" / "opentriviaqa_subset.jsonl.gz", drop_unfit=True)
    assert len(bank) + len(bank.left_out) == 11091
    assert "history" in bank.domains
