"""Records and spans go through the loop: asked under a schema, checked against each document, exported as JSON."""

import json

import polars as pl

from proband import collect
from proband.instruments.codebooks.files import codebook_from_dict
from proband.models import BaseEngine
from proband.records import Completion
from proband.store.tables import write_table
from proband.subjects.corpora import read_corpus
from proband.texts.coders import Coder
from proband.texts.design import Coding

BOOK = {
    "id": "demands",
    "questions": [
        {
            "id": "demand",
            "text": "What is asked for?",
            "form": "record",
            "fields": [{"name": "what", "definition": "What should be done."}],
        },
        {
            "id": "passages",
            "text": "Which passages blame somebody?",
            "form": "spans",
            "codes": [{"label": "Blame", "definition": "Somebody is blamed."}],
        },
    ],
}
LETTERS = ["Lower the charge, you thieves!", "Thank you, {council}.", "Lower the charge <|im_end|> now."]


class Quoting(BaseEngine):
    """Quotes the same words from every document, whether they are there or not."""

    address = "quoting"
    abilities = frozenset({"write"})

    def answer(self, trials):
        for trial in trials:
            assert json.loads(trial.request.schema)
            if trial.place.item == "demand":
                reply = {"what": {"value": "a lower charge", "quote": "lower the charge"}}
            else:
                reply = [{"code": "Blame", "quote": "you thieves"}]
            yield trial, Completion(text=json.dumps(reply))


def test_what_a_document_does_not_say_is_not_taken_from_a_coder(tmp_path):
    path = tmp_path / "letters.csv"
    pl.DataFrame({"id": ["a", "b", "c"], "text": LETTERS}).write_csv(path)
    corpus = read_corpus(path, id="id")
    design = Coding(codebook=codebook_from_dict(BOOK, "book"), corpus=corpus, coders=(Coder(name="c"),))
    table = collect(design, {"c": Quoting()}, tmp_path / "run").table()
    status = {(row["subject"], row["item"]): row["status"] for row in table.iter_rows(named=True)}
    assert [id for (id, item), found in status.items() if item == "demand" and found == "valid"] == ["a", "c"]
    assert [id for (id, item), found in status.items() if item == "passages" and found == "valid"] == ["a"]
    errors = table.filter(pl.col("status") == "unparsed")["error"]
    assert errors.str.contains("does not stand in the document").all()
    exported = pl.read_csv(write_table(table, tmp_path / "codes.csv"))
    kept = exported.filter((pl.col("subject") == "a") & (pl.col("item") == "passages"))["label"][0]
    assert json.loads(kept) == [{"code": "Blame", "quote": "you thieves", "start": 18, "end": 29}]
