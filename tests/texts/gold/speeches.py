"""A small project of our own writing: sentences of two parties, people's codes, and two machine coders in a table."""

import csv
import random

STUDY = """
title = "Speeches"
seed = 3

[engine]
good = "codes:machine.csv?coder=good"
poor = "codes:machine.csv?coder=poor"

[instrument]
id = "area"
title = "Policy area"
introduction = "Sentences from party programmes."

[[instrument.questions]]
id = "area"
text = "Which policy area is the sentence about?"

[[instrument.questions.codes]]
label = "economic"
definition = "Taxes, jobs, firms, money."
examples = ["We shall balance the books."]

[[instrument.questions.codes]]
label = "social"
definition = "Families, schools, hospitals, faith."

[coding]
order = "as_written"

[coding.corpus]
file = "speeches.csv"
id = "id"

[coding.gold]
n = 120
parts = { development = 0.3, holdout = 0.3, audit = 0.4 }

[[coding.claims]]
about = "area[economic]"

[[coding.claims]]
about = "area[economic]"
by = "party"

[[coding.claims]]
model = "area[economic] ~ year + party"
"""
_WORDS = {
    "economic": (("cut taxes for", "lower the rates of", "open markets for"), ("small firms", "exporters", "savers")),
    "social": (("build schools for", "stand by", "open wards for"), ("families", "carers", "pensioners")),
}


def truths(n=400):
    """Area, party and year of every sentence; the machine coders' codes, of which the poor one knows nothing."""
    draw = random.Random(5)
    rows = []
    for k in range(n):
        party, year = ("Con", "Lab")[k % 2], 1990 + k % 20
        area = "economic" if draw.random() < (0.65 if party == "Con" else 0.35) else "social"
        doing, whom = (draw.choice(words) for words in _WORDS[area])
        good = "economic" if area == "social" and draw.random() < 0.25 else area
        poor = draw.choice(["economic", "social"])
        text = f"We will {doing} {whom} in ward {k}."
        rows.append(
            {"id": f"s{k}", "text": text, "party": party, "year": year, "area": area, "good": good, "poor": poor}
        )
    return rows


def write(path, columns, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def lay_out(folder, study=STUDY, n=400):
    """The study and its files in a folder; people's codes of everything wait in ``everybody.csv``."""
    rows = truths(n)
    write(folder / "speeches.csv", ["id", "text", "party", "year"], rows)
    machine = [
        {"document": r["id"], "coder": who, "item": "area", "code": r[who]} for r in rows for who in ("good", "poor")
    ]
    write(folder / "machine.csv", ["document", "coder", "item", "code"], machine)
    path = folder / "study.toml"
    path.write_text(study, encoding="utf-8")
    return path


def code_sample(folder, names=("anna", "ben"), wrong=()):
    """People code the sheet that was drawn; the first person errs on the documents named."""
    with (folder / "study-gold" / "sample.csv").open(encoding="utf-8") as file:
        drawn = [row["document"] for row in csv.DictReader(file)]
    area = {row["id"]: row["area"] for row in truths()}
    for k, name in enumerate(names):
        rows = [{"document": d, "area": "economic" if k == 0 and d in wrong else area[d]} for d in drawn]
        write(folder / "study-gold" / "people" / f"{name}.csv", ["document", "area"], rows)
    return drawn
