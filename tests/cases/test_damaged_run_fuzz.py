"""R13 and R14 by the thousand: run folders with bytes flipped, files cut or lost, tables dropped, notes replaced.

Whatever the damage, every verb says so by the house's errors, or reads what is there; nothing hangs, and what `doctor`
saves opens.
"""

import json
import random
import shutil
import signal
import sqlite3
from contextlib import closing, suppress
from functools import cache
from pathlib import Path

import pytest

from proband import Run, branch, carry_out, collect, findings
from proband.designs.games.dilemma import PrisonersDilemma
from proband.designs.studies import study_from_dict
from proband.errors import ProbandError
from proband.reports import write_report
from proband.runs import Budget, show
from proband.store import RunDirectory
from proband.store.recovery import examine, save
from proband.store.tables import write_table

ARCHIVE = Path(__file__).parents[1] / "archive" / "v0_1"
ITEMS = [
    {"id": "vote", "text": "For whom do you vote?", "form": "choice", "options": ["Ann", "Bo", "nobody"]},
    {"id": "age", "text": "How old are you?", "form": "number", "lower": 0, "upper": 120},
    {"id": "news", "text": "Which do you read?", "form": "multiple", "options": ["paper", "web", "none"]},
]
STUDY = {
    "title": "fuzz",
    "seed": 5,
    "engine": "scripted:uniform?refuse=0.2",
    "instrument": {"id": "q", "items": ITEMS},
    "population": {"use": "anes-1996", "sample": 8},
    "survey": {"answer_by": "written"},
}
VALUES = ("{", "[]", "{}", "null", "7", '"x"', "1e999", "[" * 5000, '{"a": 1}', "[[1, 2], null]", "", "\x00", "-1")


@cache
def survey():
    return study_from_dict(STUDY)


def made(folder):
    """Runs of each kind, with what goes on with them."""
    carry_out(survey(), folder / "survey")
    carry_out(survey(), folder / "unfinished", budget=Budget(trials=9))
    game = PrisonersDilemma(matches=3, rounds=4, seed=1)
    cast = {"model": "scripted:uniform", "rival": "scripted:tit-for-tat"}
    collect(game, cast, folder / "game")
    branch(folder / "game", folder / "branch", through_round=2)
    with_people = study_from_dict(
        {
            **STUDY,
            "engine": "scripted:uniform",
            "instrument": {"use": "anes-1996", "only": ["vote"]},
            "survey": {},
            "people": {},
        }
    )
    carry_out(with_people, folder / "compared")
    shutil.copytree(ARCHIVE / "dilemma-unfinished" / "run", folder / "old-game")
    shutil.copytree(ARCHIVE / "survey-unfinished" / "run", folder / "old-survey")
    with RunDirectory(folder / "survey").writer():
        shutil.copytree(folder / "unfinished", folder / "live")
        with sqlite3.connect(folder / "live" / "journal.sqlite") as journal:
            journal.execute("INSERT INTO meta VALUES ('x', ?)", ("y" * 9000,))
            shutil.copy(folder / "live" / "journal.sqlite-wal", folder / "kept-wal")
        journal.close()
        shutil.copy(folder / "kept-wal", folder / "live" / "journal.sqlite-wal")
        (folder / "kept-wal").unlink()
    again = {
        "survey": lambda into: carry_out(survey(), into),
        "unfinished": lambda into: carry_out(survey(), into),
        "live": lambda into: carry_out(survey(), into),
        "game": lambda into: collect(game, cast, into),
        "branch": lambda into: collect(game, cast, into),
        "compared": lambda into: carry_out(with_people, into),
        "old-game": lambda into: collect(game, cast, into),
        "old-survey": lambda into: carry_out(survey(), into),
    }
    return again


def mutate(folder: Path, rng: random.Random) -> str:
    """One damage, or a few, done to a run's folder."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.stat().st_size]
    journals = [path for path in files if path.name.startswith("journal.sqlite")]
    if not files:
        return "nothing left"
    path = rng.choice([*files, *journals])
    how = rng.choice(["flip", "flip", "flip", "zeros", "cut", "swap", "remove", "empty", "sql", "note", "note", "row"])
    if how in ("flip", "zeros", "cut", "swap"):
        content = bytearray(path.read_bytes())
        at = rng.randrange(len(content))
        if how == "flip":
            for _ in range(rng.choice([1, 1, 3, 40])):
                content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        elif how == "zeros":
            content[at : at + 4096] = bytes(len(content[at : at + 4096]))
        elif how == "cut":
            del content[at:]
        else:
            content[at : at + 64] = rng.randbytes(64)
        path.write_bytes(content)
    elif how == "remove":
        path.unlink(missing_ok=True)
    elif how == "empty":
        path.write_bytes(b"")
    else:
        with suppress(sqlite3.Error), closing(sqlite3.connect(folder / "journal.sqlite")) as journal, journal:
            how = damage_in_sql(journal, how, rng)
    return f"{path.name} {how}"


def damage_in_sql(journal, how, rng):
    if how == "note":
        keys = [key for (key,) in journal.execute("SELECT key FROM meta WHERE key NOT LIKE 'digest:%'")]
        if not keys:
            return "no note left"
        key, value = rng.choice(keys), rng.choice(VALUES)
        old = journal.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()[0]
        if rng.random() < 0.5 and len(old) > 2:
            at = rng.randrange(len(old))
            value = old[:at] + rng.choice('{}[]",:0a') + old[at + 1 :]
        journal.execute("UPDATE meta SET value = ? WHERE key = ?", (value, key))
        if rng.random() < 0.5:  # as in a run of an older version
            journal.execute("DELETE FROM meta WHERE key LIKE 'digest:%'")
        return f"note {key} {value[:40]!r}"
    if how == "row":
        columns = [
            "request",
            "status",
            "rule",
            "answer",
            "probs",
            "mass",
            "text",
            "shown",
            "engine",
            "prompt_tokens",
            "attempts",
            "trial",
        ]
        column, value = rng.choice(columns), rng.choice([None, "x", b"\xff\x00", -1, 99, "[9]", "1.5", "", "9/9/9/9/9"])
        journal.execute(
            f"UPDATE OR IGNORE responses SET {column} = ? WHERE trial LIKE ?", (value, f"%{rng.randrange(9)}%")
        )
        return f"row {column} {value!r}"
    statement = rng.choice(
        [
            "DROP TABLE meta", "DROP TABLE responses", "DROP TABLE requests", "DROP TABLE bodies", "DROP TABLE open",
            "PRAGMA user_version = -1", "PRAGMA user_version = 0", "PRAGMA user_version = 1",
            "PRAGMA user_version = 99",
            "ALTER TABLE responses DROP COLUMN mass", "ALTER TABLE responses RENAME COLUMN shown TO hidden",
            "DELETE FROM meta", "DELETE FROM responses", "DELETE FROM bodies", "CREATE TABLE other (x)",
        ]
    )  # fmt: skip
    journal.execute(statement)
    return f"sql {statement}"


def everything(folder: Path, again, is_measured, is_drawn=False):
    """What may be done with a run; the report is its findings again, drawn, which takes longer than the rest."""
    run = None

    def opened():
        nonlocal run
        run = Run(folder)
        repr(run), run.state, run.manifest, run.people and run.people.table()

    yield "open", opened
    yield "export", lambda: write_table(Run(folder).table(), folder / "table.csv")
    if is_measured:
        yield "wide", lambda: Run(folder).wide("label")
        yield "measure", lambda: findings(Run(folder)).as_dict()
    if is_drawn:
        yield "report", lambda: write_report(Run(folder), folder / "report.html")
    yield "show", lambda: show(survey(), answered=Run(folder).responses())
    yield "doctor", lambda: json.dumps(examine(folder).as_dict())
    yield "run", lambda: again(folder)


@pytest.mark.parametrize(("n", "seed"), [(6, 2), pytest.param(300, 1, marks=pytest.mark.slow)])
def test_damaged_folders_are_refused_or_read_and_never_end_in_a_traceback(tmp_path, n, seed):
    again = made(tmp_path / "whole")
    rng, wrong = random.Random(seed), []
    before = signal.signal(signal.SIGALRM, lambda *_: (_ for _ in ()).throw(TimeoutError("hangs")))
    try:
        for k in range(n):
            kind = rng.choice(sorted(again))
            folder, saved = tmp_path / "damaged", tmp_path / "saved"
            shutil.copytree(tmp_path / "whole" / kind, folder)
            what = [mutate(folder, rng) for _ in range(rng.choice([1, 1, 1, 2]))]
            signal.alarm(600)  # what hangs never ends; a busy machine takes its time
            found = None
            with suppress(ProbandError):
                found = examine(folder)
            steps = list(everything(folder, again[kind], k % 2 == 0, k % 40 == 0))
            if found is not None and (found.responses or found.notes):
                save(found, saved)
                after = list(everything(saved, again[kind], k % 16 == 0))
                # Saved runs are whole, so nothing about them ends early; some of them are gone through entirely.
                steps += [(f"saved {name}", step) for name, step in (after if k % 4 == 0 else after[:2])]
            for name, step in steps:
                try:
                    step()
                except ProbandError:
                    continue
                except BaseException as error:
                    wrong.append((k, kind, what, name, f"{type(error).__name__}: {error}", where(error)))
            signal.alarm(0)
            shutil.rmtree(folder, ignore_errors=True)
            shutil.rmtree(saved, ignore_errors=True)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    assert not wrong, "\n".join(map(str, wrong[:40])) + f"\n{len(wrong)} in all"


def where(error):
    frames = []
    at = error.__traceback__
    while at is not None:
        frames.append(f"{Path(at.tb_frame.f_code.co_filename).name}:{at.tb_lineno}")
        at = at.tb_next
    return " ".join(frames[-6:])
