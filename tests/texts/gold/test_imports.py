"""Codes from files; the annotation files are small copies of what Potato 2.12.1 and Label Studio 1.23 wrote."""

import json

import pytest

from proband.errors import DataError
from proband.instruments.items import Item
from proband.texts.gold.imports import Source, files_in, read_codes
from proband.texts.gold.tables import Question, question_of

QUESTIONS = {
    "area": Question(id="area", codes=("economic", "social", "none")),
    "tone": Question(id="tone", codes=("positive", "negative"), is_multiple=True),
    "left_right": question_of(
        Item(
            id="left_right",
            text="Where?",
            form="scale",
            options=("far left", "left", "centre", "right", "far right", "cannot tell"),
            dont_know=(5,),
        )
    ),
}
DRAWN = [f"d{k}" for k in range(6)]


def read(path, **said):
    return read_codes([Source(path=path, **said)], QUESTIONS, DRAWN)


def told(imported):
    return [(row["document"], row["coder"], row["item"], row["code"]) for row in imported.rows]


def written(tmp_path, text, name="anna.csv"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def label(schema, name, value=None):
    return [{"schema": schema, "name": name}, value or name]


def user_state(tmp_path, labels, changes=None, user="anna"):
    folder = tmp_path / "annotation_output" / user
    folder.mkdir(parents=True)
    state = {
        "user_id": user,
        "instance_id_to_behavioral_data": changes or {},
        "instance_id_to_label_to_value": labels,
        "instance_id_to_span_to_value": {"d0": [[{"schema": "cue", "name": "money", "start": 20, "end": 25}, "taxes"]]},
    }
    path = folder / "user_state.json"
    path.write_text(json.dumps(state))
    return path


def test_a_long_table(tmp_path):
    path = written(tmp_path, "document,coder,item,code\nd0,anna,area,Economic\nd0,ben,area,social\n")
    assert told(read(path)) == [("d0", "anna", "area", "economic"), ("d0", "ben", "area", "social")]


def test_a_wide_table_is_its_coders_by_the_name_of_the_file(tmp_path):
    path = written(
        tmp_path, "document;text;area;tone;left_right\nd0;Some text;economic;negative | positive;4\nd1;More;;;\n"
    )
    assert told(read(path)) == [
        ("d0", "anna", "area", "economic"),
        ("d0", "anna", "left_right", "right"),
        ("d0", "anna", "tone", "positive; negative"),
    ]


def test_columns_and_codes_of_a_table_can_be_said(tmp_path):
    path = written(tmp_path, "sentenceid,policy_area_gold\nd0,2\nd1,3\nelsewhere,1\n")
    found = read(path, document="sentenceid", columns={"policy_area_gold": "area"}, is_cut=True,
                 codes={"1": "none", "2": "economic", "3": "social"}, coder="experts")  # fmt: skip
    assert told(found) == [("d0", "experts", "area", "economic"), ("d1", "experts", "area", "social")]
    assert "1 rows of documents that were not drawn are left out" in str(found.remarks[0])


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ("d0,anna,area,econmic\n", "'econmic' is no code of 'area' (did you mean 'economic'?)"),
        ("d9,anna,area,social\n", "document 'd9' was not drawn"),
        ("d0,anna,aera,social\n", "'aera' is no item of the codebook (did you mean 'area'?)"),
        ("d0,anna,area,social\nd0,anna,area,none\n", "a second answer of 'anna' to 'area' of document 'd0'"),
        ("d0,anna,left_right,7\n", "'7' is no code of 'left_right'"),
    ],
)
def test_what_does_not_fit_is_refused_by_name_and_line(tmp_path, rows, says):
    path = written(tmp_path, "document,coder,item,code\n" + rows)
    with pytest.raises(DataError) as refused:
        read(path)
    assert says in str(refused.value)
    assert f"anna.csv, line {1 + rows.count(chr(10))}" in str(refused.value)


def test_everything_that_is_wrong_is_said_at_once(tmp_path):
    path = written(tmp_path, "document,coder,item,code\nd0,anna,area,x\nd9,anna,area,social\n")
    with pytest.raises(DataError) as refused:
        read(path)
    assert len(refused.value.args) == 2


def test_two_files_with_one_answer_each_to_the_same_are_two_answers(tmp_path):
    one = written(tmp_path, "document,coder,item,code\nd0,anna,area,social\n", "one.csv")
    two = written(tmp_path, "document,coder,item,code\nd0,anna,area,social\n", "two.csv")
    with pytest.raises(DataError, match=r"which stands in .*one.csv, line 2 already"):
        read_codes([Source(path=one), Source(path=two)], QUESTIONS, DRAWN)


def test_a_user_state_of_potato(tmp_path):
    labels = {
        "d0": [label("area", "economic"), label("left_right", "1")],
        "d1": [label("area", "social"), label("tone", "positive"), label("tone", "negative")],
    }
    found = read(user_state(tmp_path, labels))
    assert told(found) == [
        ("d0", "anna", "area", "economic"),
        ("d0", "anna", "left_right", "far left"),
        ("d1", "anna", "area", "social"),
        ("d1", "anna", "tone", "positive; negative"),
    ]
    assert not found.remarks


def change(schema, name, at):
    return {"timestamp": at, "schema_name": schema, "label_name": name, "action": "select"}


def test_of_several_answers_to_one_question_in_potato_the_last_change_wins_and_is_listed(tmp_path):
    # 5, 4, 5 again: labels are stored in the order of the first click.
    labels = {"d0": [label("left_right", "5"), label("left_right", "4")]}
    changes = [change("left_right", "5", 1.0), change("left_right", "4", 2.0), change("left_right", "5", 3.0)]
    found = read(user_state(tmp_path, labels, {"d0": {"annotation_changes": changes}}))
    assert told(found) == [("d0", "anna", "left_right", "far right")]
    assert "2 answers, 5, 4, to a question that takes one; '5' is taken: the last change" in str(found.remarks[0])


def test_without_recorded_changes_the_last_stored_answer_is_taken_and_said_to_be(tmp_path):
    found = read(user_state(tmp_path, {"d0": [label("area", "none"), label("area", "social")]}))
    assert told(found) == [("d0", "anna", "area", "social")]
    assert "no changes were recorded" in str(found.remarks[0])


def test_an_export_of_potato_as_csv(tmp_path):
    path = written(
        tmp_path,
        "instance_id,user_id,area.social,left_right.2,tone.positive,area.economic,left_right.1,cue._spans,area.none\n"
        "d5,anna,social,2,positive,,,,\n"
        'd0,ben,,,,economic,1,"[{""schema"": ""cue"", ""name"": ""money"", ""start"": 20, ""end"": 25}]",\n',
    )
    assert told(read(path)) == [
        ("d0", "ben", "area", "economic"),
        ("d0", "ben", "left_right", "far left"),
        ("d5", "anna", "area", "social"),
        ("d5", "anna", "left_right", "left"),
        ("d5", "anna", "tone", "positive"),
    ]


def test_an_export_of_potato_as_jsonl(tmp_path):
    record = {"instance_id": "d3", "user_id": "anna", "labels": {"area": {"economic": "economic"}}, "spans": {}}
    assert told(read(written(tmp_path, json.dumps(record) + "\n", "a.jsonl"))) == [("d3", "anna", "area", "economic")]


def studio(document, results, id=1, **more):
    annotation = {"id": id, "completed_by": 1, "result": results, "was_cancelled": False, **more}
    return {"id": id, "annotations": [annotation], "predictions": [1], "data": {"document": document, "text": "..."}}


def choice(name, *codes):
    return {"from_name": name, "to_name": "text", "type": "choices", "value": {"choices": list(codes)}}


def test_an_export_of_label_studio_leaves_out_what_was_cancelled_and_what_a_model_said(tmp_path):
    span = {"from_name": "cue", "type": "labels", "value": {"start": 20, "end": 25, "text": "taxes", "labels": ["m"]}}
    rating = {"from_name": "left_right", "type": "rating", "value": {"rating": 3}}
    tasks = [
        studio("d0", [choice("area", "economic"), choice("tone", "positive", "negative"), rating, span]),
        studio("d1", [choice("area", "none")], id=2, was_cancelled=True),
        studio("d2", [choice("area", "social")], id=3, completed_by={"id": 4, "email": "ben@lab.example"}),
    ]
    tasks[0]["predictions"] = [{"result": [choice("area", "none")], "model_version": "m"}]
    found = read(written(tmp_path, json.dumps(tasks), "export.json"))
    assert told(found) == [
        ("d0", "annotator 1", "area", "economic"),
        ("d0", "annotator 1", "left_right", "centre"),
        ("d0", "annotator 1", "tone", "positive; negative"),
        ("d2", "ben@lab.example", "area", "social"),
    ]
    assert "1 cancelled annotations are left out" in str(found.remarks[0])


def test_label_studios_csv_is_a_wide_table(tmp_path):
    path = written(
        tmp_path,
        '"annotation_id","annotator","area","document","left_right","tone"\n'
        '1,"1","economic","d0","[{""rating"":1}]","{""choices"":[""positive"",""negative""]}"\n',
    )
    assert told(read(path)) == [
        ("d0", "1", "area", "economic"),
        ("d0", "1", "left_right", "far left"),
        ("d0", "1", "tone", "positive; negative"),
    ]


def test_a_file_that_nobody_wrote_for_this_is_refused(tmp_path):
    with pytest.raises(DataError, match="no user state of Potato"):
        read(written(tmp_path, '{"a": 1}', "a.json"))
    with pytest.raises(DataError, match="no JSON"):
        read(written(tmp_path, '[{"annotations"', "b.json"))
    with pytest.raises(DataError, match="neither the columns item and code"):
        read(written(tmp_path, "document,remark\nd0,x\n"))


def test_none_of_several_codes_is_an_answer_and_an_empty_cell_is_not(tmp_path):
    path = written(tmp_path, "document,tone\nd0,None\nd1,\nd2,positive\n")
    assert told(read(path)) == [("d0", "anna", "tone", "none"), ("d2", "anna", "tone", "positive")]
    assert QUESTIONS["tone"].read("") == "none"  # a coder that ticked nothing


@pytest.mark.parametrize(
    "tasks",
    [
        [{"id": 1, "data": {}, "annotations": None}],
        [{"id": 1, "data": {}, "annotations": ["a"]}],
        [{"id": 1, "data": {}, "annotations": [{"result": ["a"]}]}],
        [{"id": 1, "data": {}, "annotations": [{"result": [{"value": {"choices": ["a"]}}]}]}],
    ],
)
def test_an_export_that_is_built_otherwise_is_refused_by_name(tmp_path, tasks):
    with pytest.raises(DataError, match=r"a\.json: not as Potato or Label Studio write it"):
        read(written(tmp_path, json.dumps(tasks), "a.json"))


def test_a_folder_of_potato_gives_its_states_and_not_its_accounts(tmp_path):
    path = user_state(tmp_path, {})
    (tmp_path / "annotation_output" / "exports").mkdir()
    (tmp_path / "annotation_output" / "exports" / "annotations.jsonl").write_text("{}")
    extra = written(tmp_path, "document,area\n")
    assert files_in(tmp_path) == sorted([path, extra])
