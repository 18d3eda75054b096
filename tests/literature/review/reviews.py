"""A small review: twenty made-up records in two files, and a study that reviews them without a model."""

STUDY = """
title = "Green defaults"
seed = 3
engine = "labelled"

[instrument]
id = "criteria"
title = "Criteria"

[[instrument.questions]]
id = "topic"
text = "Is it a study of defaults?"
codes = [{ label = "Yes", definition = "It is." }, { label = "No", definition = "It is not." }]

[screening]
records = ["a.ris", "b.csv"]
column = "included"
encoder = "none"

[review]
question = "Do defaults raise the take-up of green power?"
marks = { retracted = "retracted.txt" }
leave_out = ["retracted"]
sentences = 3

[review.query]
text = 'default* AND "green power"'
"""

_WORDS = "whale tide coral reef krill salmon plankton kelp otter gull".split()  # noqa: SIM905


def lay_out(folder, study=STUDY):
    """The study file, beside its records."""
    ris, rows = [], ["title,year,authors,abstract,doi,included"]
    for k in range(10):
        title = f"Defaults and the take-up of green power in region {_WORDS[k]}"
        power = f"A default raised the take-up of green power from {k + 10} to {k + 40} percent."
        abstract = f"{power} We asked {k + 200} households."
        told = {"TY": "JOUR", "TI": title, "AU": f"Roe{k}, Jo", "PY": 2000 + k, "AB": abstract, "DO": f"10.1234/g{k}"}
        ris.append("".join(f"{tag}  - {said}\n" for tag, said in told.items()) + "ER  -\n")
        rows.append(f'{title},{2000 + k},"Roe{k}, Jo",,10.1234/g{k},1')
        seen = f"The {_WORDS[k]} was seen."
        rows.append(f'Observations on the {_WORDS[k]} of northern seas,{1990 + k},"Doe, A.",{seen},,0')
    (folder / "a.ris").write_text("\n".join(ris))
    (folder / "b.csv").write_text("\n".join(rows) + "\n")
    (folder / "retracted.txt").write_text("10.1234/g9\n")
    path = folder / "green.toml"
    path.write_text(study)
    return path
