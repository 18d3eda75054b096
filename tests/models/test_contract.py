"""What every engine owes the loop: every scheme that there is, by discovery, and what has no address of its own."""

import contextlib
import io
from dataclasses import replace
from urllib.parse import quote

import pytest

from proband.addresses import SCHEMES, open_engine
from proband.errors import EngineError
from proband.models.archive import PeopleEngine, ReplayEngine
from proband.models.engine import BaseEngine
from proband.models.seats import SeatEngine
from proband.records import Completion, Message, Place, Reply, Request, Response, Trial
from tests.models.local.small_models import save_checkpoint
from tests.models.servers.fault_server import FaultServer


def trial(subject: str, text: str = "Tea or coffee?") -> Trial:
    """What an engine may be asked; coders of documents find one among the facts, and who decides of records
    which code keeps one out."""
    return Trial(
        place=Place(subject=subject, item="drink"),
        request=Request(messages=(Message("user", text),), continuations=("tea", "coffee")),
        reply=Reply(form="choice", method="option_text", options=("tea", "coffee"), order=(0, 1)),
        facts=(
            ("document", f"{text} I would like tea, said {subject}."),
            ("excluding", "coffee"),
            ("label", "include"),
        ),
    )


TRIALS = [trial("s1"), trial("s2", "Coffee or tea?"), trial("s3")]
STORED = {t.id: Response(place=t.place, request=t.request.hash, status="valid", answer=0, engine="e") for t in TRIALS}
PEOPLE = {"drink": {t.place.subject: (0, "valid") for t in TRIALS}}


@contextlib.contextmanager
def model(folder):
    yield open_engine(f"hf:{save_checkpoint(folder / 'tiny')}")


@contextlib.contextmanager
def server(folder):
    with FaultServer("vllm") as served:
        yield open_engine(f"openai:{served.url}#m?backoff_s=0")


@contextlib.contextmanager
def servers(folder):
    with FaultServer("vllm") as one, FaultServer("vllm") as two:
        yield open_engine(f"openai:{one.url},{two.url}#m?backoff_s=0")


@contextlib.contextmanager
def human(folder):
    """People who were asked before, and have answered."""
    engine = open_engine(f"human:{folder}")
    assert list(engine.answer(TRIALS)) == []
    lines = [f"{asked.id},coffee" for asked in TRIALS]
    (folder / "answers.csv").write_text("\n".join(["place,answer", *lines, ""]))
    yield engine


@contextlib.contextmanager
def lived(folder):
    """With nobody who has lived through anything: the base answers."""
    yield open_engine(f"lived:hf:{save_checkpoint(folder / 'tiny')}?into={folder / 'adapters'}")


def coder(folder):
    """One of the people who coded documents."""
    (folder / "codes.csv").write_text(
        "document,item,code\n" + "".join(f"{t.place.subject},drink,tea\n" for t in TRIALS)
    )
    return contextlib.nullcontext(open_engine(f"codes:{folder / 'codes.csv'}"))


def labels(folder):
    """One who decided of records before."""
    (folder / "labels.csv").write_text("record,decision\n" + "".join(f"{t.place.subject},include\n" for t in TRIALS))
    return contextlib.nullcontext(open_engine(f"labels:{folder / 'labels.csv'}"))


def dictionary(folder):
    (folder / "words.toml").write_text('[drink.codes]\ntea.words = ["tea"]\ncoffee.words = ["coffee*"]\n')
    return contextlib.nullcontext(open_engine(f"dictionary:{folder / 'words.toml'}"))


def learned(folder):
    rows = [f"g{k},I like {'tea' if k % 2 else 'coffee'} {k},drink,{'tea' if k % 2 else 'coffee'}" for k in range(12)]
    (folder / "gold.csv").write_text("\n".join(["document,text,item,code", *rows, ""]))
    encoder = quote(f"hf:{save_checkpoint(folder / 'tiny')}", safe="")
    return contextlib.nullcontext(open_engine(f"learned:{encoder}?gold={folder / 'gold.csv'}"))


def seats(folder):
    made = SeatEngine(is_served=True)
    list(made.answer(TRIALS))
    for asked in TRIALS:
        made.give(asked.id, Completion(given=(0, "valid")))
    return contextlib.nullcontext(made)


@contextlib.contextmanager
def at_terminal(folder):
    """A person who always types the same."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", io.StringIO("coffee\n" * 20))
        yield open_engine("terminal")


@contextlib.contextmanager
def on_ray(folder):
    pytest.importorskip("ray", reason="Ray is not installed: the extra `cluster`")
    yield open_engine("ray:local?replicas=1&engine=scripted:uniform?refuse=0.5")


# How to open one of each scheme; a scheme that is not here fails, named.
OPENED = {
    "cluster": lambda folder: contextlib.nullcontext(open_engine("cluster:2*scripted:uniform?refuse=0.5&fail=0.3")),
    "ray": on_ray,
    "axelrod": lambda folder: contextlib.nullcontext(open_engine("axelrod:Random?seed=1")),
    "codes": coder,
    "dictionary": dictionary,
    "hf": model,
    "human": human,
    "labelled": lambda folder: contextlib.nullcontext(open_engine("labelled")),
    "labels": labels,
    "learned": learned,
    "lived": lived,
    "openai": server,
    "openai, several": servers,
    "people": lambda folder: contextlib.nullcontext(PeopleEngine(PEOPLE, name="p", source="made up")),
    "replay": lambda folder: contextlib.nullcontext(ReplayEngine(STORED, address="replay:x")),
    "scripted": lambda folder: contextlib.nullcontext(
        open_engine("scripted:uniform?refuse=0.5&fail=0.3&position_bias=0.1")
    ),
    "seat": seats,
    "smollm2": lambda folder: contextlib.nullcontext(open_engine("smollm2")),
    "terminal": at_terminal,
}
# That library takes seconds to import, and that cluster to begin.
MARKED = {"smollm2": pytest.mark.model, "axelrod": pytest.mark.slow, "ray": pytest.mark.slow}


ENCODERS = {"minilm", "words"}  # they answer nothing: see test_vectors
OF_RECORDS = {"cues"}  # they fill records alone: see tests/literature/evidence


@pytest.fixture(
    params=[
        pytest.param(name, marks=MARKED.get(name, ())) for name in sorted({*SCHEMES, *OPENED} - ENCODERS - OF_RECORDS)
    ]
)
def engine(request, tmp_path):
    with OPENED[request.param](tmp_path) as made:
        yield made
        made.close()
        made.close()  # safe to call twice


def test_an_engine_says_what_it_is(engine):
    assert isinstance(engine, BaseEngine)
    assert engine.abilities
    assert engine.answers_by in ("request", "place")
    assert all(isinstance(k, str) and isinstance(v, str) for k, v in engine.fingerprint().items())


def test_every_trial_is_answered_once(engine):
    engine.check(TRIALS)
    answered = [asked.id for asked, _ in engine.answer(TRIALS)]
    assert sorted(answered) == sorted(t.id for t in TRIALS)
    assert list(engine.answer([])) == []


def test_the_order_of_trials_changes_no_answer(engine):
    forwards = {asked.id: completion for asked, completion in engine.answer(TRIALS)}
    backwards = {asked.id: completion for asked, completion in engine.answer(TRIALS[::-1])}
    for id, completion in forwards.items():
        assert (completion.given, completion.error) == (backwards[id].given, backwards[id].error)
        assert completion.log_probs is None or completion.log_probs == pytest.approx(backwards[id].log_probs, abs=1e-4)


def test_pieces_come_back_whole_and_hang_on_nothing_else(engine):
    if not (engine.abilities & {"score", "given"}) or engine.waits:
        pytest.skip("it is never handed pieces")
    first, second = TRIALS[:2], [trial("s4", "Water?"), trial("s5", "Wine?")]
    if engine.abilities == {"given"} and not engine.by_piece:
        second = TRIALS[2:]
    together = {piece[0][0].id: dict(piece) for piece in map(_in_order, engine.answer_pieces(iter([first, second])))}
    assert sorted(map(len, together.values())) == sorted([len(first), len(second)])
    (alone,) = engine.answer_pieces([second])
    if engine.by_piece:
        assert dict(alone) == together[second[0].id]


def _in_order(piece):
    return sorted(piece, key=lambda pair: pair[0].id)


def test_a_plan_costs_nothing_negative_and_shows_what_is_sent(engine):
    cost = engine.cost(TRIALS)
    assert min(cost.prompt_tokens, cost.unique_tokens, cost.completion_tokens) >= 0
    shown = engine.render(TRIALS[0])
    assert "Tea or coffee?" in shown or '"prompt": [' in shown  # a server may be sent token ids


class Plain(BaseEngine):
    """The least an engine can be."""

    address = "plain"
    abilities = frozenset({"score"})

    def answer(self, trials):
        return ((asked, Completion(log_probs=(-1.0, -2.0), token_counts=(1, 1))) for asked in trials)


def test_an_engine_of_three_members_has_all_the_others():
    engine = Plain()
    assert engine.render(TRIALS[0]) == "[user]\nTea or coffee?\n\n[continuation]\ntea\n\n[continuation]\ncoffee"
    assert engine.cost(TRIALS).price == 0
    assert engine.fingerprint()["engine"].endswith("test_contract.Plain")
    assert (engine.answers_by, engine.lane, engine.waits, engine.is_remote) == ("place", "", False, False)
    assert not engine.by_piece
    assert [[asked for asked, _ in piece] for piece in engine.answer_pieces([TRIALS[:2], TRIALS[2:]])] == [
        TRIALS[:2],
        TRIALS[2:],
    ]
    assert (engine.chunk, engine.note, engine.price_of(1, 1), engine.news(0)) == (None, "", None, False)
    engine.wind_down()
    engine.stop()
    engine.close()


def test_what_an_engine_says_it_cannot_do_is_refused_by_name():
    written = replace(
        TRIALS[0],
        request=replace(TRIALS[0].request, continuations=(), max_tokens=5),
        reply=replace(TRIALS[0].reply, method="written"),
    )
    Plain().check(TRIALS)
    with pytest.raises(EngineError, match="item 'drink' needs a written reply, and plain only scores options"):
        Plain().check([*TRIALS, written])

    class Writer(Plain):
        abilities = frozenset({"write"})

    Writer().check([written])
    with pytest.raises(EngineError, match=r"item 'drink' needs log-probabilities .* answer_by = 'written'"):
        Writer().check(TRIALS)
