"""What stands around the rules of a game: sessions, treatments, words, what is told, and what is refused."""

from collections import Counter
from dataclasses import replace

import pytest

from proband.designs import Survey
from proband.designs.games.matches import Matches
from proband.designs.games.matching import groups_in
from proband.designs.games.normal_form import NormalForm
from proband.designs.games.replay import replay
from proband.designs.games.rules import Illegal, Outcome, Rules, Turn
from proband.designs.games.setting import Setting
from proband.designs.games.ultimatum import Ultimatum
from proband.designs.studies import study_from_dict
from proband.errors import DesignError
from proband.instruments import Instrument, Item
from proband.models.scripted import ScriptedEngine, always, uniform
from proband.runs import collect
from tests.conftest import made_up

ENGINES = {"proposer": "scripted:normal?mean=4&sd=2", "responder": "scripted:uniform?seed=2"}


def study(engine=ENGINES, **keys):
    return study_from_dict({"seed": 3, "engine": engine, "game": {"use": "ultimatum", **keys}})


def run(folder, engine=ENGINES, **keys):
    found = study(engine, **keys)
    return collect(found.design, found.engine, folder)


def plays_of(run):
    return replay(run.manifest["design"], run.table())


def told(trial):
    return "\n\n".join(message.text for message in trial.request.messages)


def matrix_game(engines="model", seed=1, *, rules=None, population=None, **keys):
    rules = rules or NormalForm(row=[[3, 0], [5, 1]], row_moves=["stay", "leave"])
    setting = Setting(**{"matches": 4, "players": engines} | keys)
    return Matches(rules=rules, setting=setting, seed=seed, population=population)


def test_every_match_is_played_to_its_end_and_counted_beforehand(tmp_path):
    done = run(tmp_path, matches=20, rounds=3)
    assert done.is_complete
    assert sum(done.dispositions().values()) == study(matches=20, rounds=3).design.size() == 120
    assert done.roster.n_units == 20
    assert {member.role for member in done.roster} == {"proposer", "responder"}


def test_a_study_file_and_python_make_the_same_trials():
    setting = Setting(matches=5, rounds=2)
    twin = Matches(rules=Ultimatum(pot=20), setting=setting, seed=3, game="ultimatum")
    assert list(study(matches=5, rounds=2, pot=20).design.preview()) == list(twin.preview())


# Matching


@pytest.mark.parametrize(("matching", "meets"), [("partner", 1), ("perfect_stranger", 5)])
def test_players_meet_whom_the_matching_says(matching, meets):
    groups = 1 if matching == "partner" else 5
    met: dict[int, set[int]] = {}
    for number in range(1, 6):
        for row, column in groups_in(matching, seats=2, groups=groups, round=number, seed=1, session=0):
            met.setdefault(row, set()).add(column)
    assert {len(others) for others in met.values()} == {meets}


def test_nobody_meets_twice_among_perfect_strangers_in_groups_of_three():
    pairs = Counter()
    for number in range(1, 8):
        for group in groups_in("perfect_stranger", seats=3, groups=7, round=number, seed=1, session=2):
            seated = list(enumerate(group))
            pairs.update((a, b) for k, a in enumerate(seated) for b in seated[k + 1 :])
    assert set(pairs.values()) == {1}


def test_strangers_are_one_unit_and_are_drawn_anew_every_round(tmp_path):
    done = run(tmp_path, matching="stranger", groups=4, matches=2, rounds=3)
    plays = plays_of(done)
    assert done.roster.n_units == plays["unit"].n_unique() == 2
    partners = {}
    for (_, number), part in plays.group_by("match", "round"):
        partners.setdefault(number, set()).add(frozenset(part["subject"]))
        assert part.height == 2
    assert partners[1] != partners[2] or partners[2] != partners[3]
    assert plays.height == 2 * 4 * 2 * 3


def test_in_a_round_robin_every_two_players_meet_and_change_seats(tmp_path):
    players = ["a", "b", "c"]
    game = matrix_game(players, matching="round_robin", matches=2)
    done = collect(game, dict.fromkeys(players, "scripted:uniform"), tmp_path)
    pairs = Counter()
    for _, part in replay(game, done.table()).group_by("unit"):
        by_seat = dict(zip(part["seat"], part["role"], strict=True))
        pairs[by_seat["row"], by_seat["column"]] += 1
    assert pairs == Counter({(x, y): 1 for x in players for y in players if x != y})


# Treatments and ends


def test_treatments_are_assigned_to_sessions_in_equal_numbers_and_known_in_the_roster(tmp_path):
    done = run(tmp_path, matches=30, treatments={"rich": {"scale": 100.0, "unit": "$"}, "named": {"names": "own"}})
    arms = Counter({member.unit: member.arm for member in done.roster}.values())
    assert arms == {"control": 10, "rich": 10, "named": 10}
    plays = plays_of(done)
    assert plays.filter(plays["treatment"] == "rich")["move_offer"].drop_nulls().max() <= 10
    shown = done.table().filter((done.table()["arm"] == "rich") & (done.table()["item"] == "offer"))
    assert shown["value"].max() <= 1000
    trials = {
        t.place.subject: told(t)
        for t in study(matches=30, treatments={"rich": {"unit": "$", "scale": 100.0}}).design.preview()
    }
    assert any("$1000" in text and "between 0 and 1000" in text for text in trials.values())


def test_a_random_end_is_drawn_by_place_and_told(tmp_path):
    game = matrix_game(matches=400, continues=0.8)
    lengths = [session.length for session in game.sessions]
    assert lengths == [session.length for session in matrix_game(matches=400, continues=0.8).sessions]
    assert sum(lengths) / 400 == pytest.approx(5, abs=0.7)
    assert "another one follows with a probability of 0.8." in told(game.preview()[0])
    assert max(s.length for s in matrix_game(matches=400, continues=0.8, rounds=3).sessions) == 3


# Words


def test_neutral_names_are_balanced_over_matches_within_every_treatment():
    game = matrix_game(matches=40, treatments={"cheap": {"scale": 0.5}})
    found = Counter((s.arm, s.words.move("stay")) for s in game.sessions)
    assert found == {(arm, name): 10 for arm in ("control", "cheap") for name in "JF"}


@pytest.mark.parametrize(
    ("names", "shown"),
    [("own", {"stay", "leave"}), (["X", "Y"], {"X", "Y"}), ({"stay": "green", "leave": "blue"}, {"green", "blue"})],
)
def test_moves_are_called_what_the_study_says_and_recorded_as_the_game_calls_them(tmp_path, names, shown):
    game = matrix_game(names=names)
    trial = game.preview()[0]
    assert set(trial.request.continuations) == shown
    assert all(name in told(trial) for name in shown)
    done = collect(game, {"model": ScriptedEngine(uniform())}, tmp_path)
    assert set(done.table()["label"]) <= {"stay", "leave"}
    assert done.table()["label"].null_count() == 0


def test_a_written_reply_by_the_name_in_the_match_is_read_as_the_move_it_stands_for():
    from proband.instruments import reading
    from proband.records import Completion

    trial = matrix_game(answer_by="written").preview()[0]
    for name, k in zip(trial.reply.labels, trial.reply.order, strict=True):
        assert reading.read(Completion(text=f"{name}"), trial, "x").answer == k


@pytest.mark.parametrize("answer_by", ["option_text", "label", "written", "verbalised"])
def test_an_item_is_asked_and_read_as_it_is_in_a_survey(answer_by):
    game = matrix_game(names="own", answer_by=answer_by)
    instrument = Instrument(id="one", title="one item", items=game.rules.items)
    asked = list(
        Survey(instrument=instrument, subjects=made_up(1), seed=1, answer_by=answer_by, order="as_written").preview()
    )
    same = next(trial for trial in game.preview() if trial.reply.order == asked[0].reply.order)
    assert same.request.messages[-1].text == asked[0].request.messages[-1].text
    assert same.request.continuations == asked[0].request.continuations
    assert replace(same.reply, seed=0) == replace(asked[0].reply, seed=0)


def test_a_cover_story_replaces_what_the_game_says():
    keys = {"story": {"You play with one other player.": "Two cooks share a kitchen."}}
    assert "Two cooks share a kitchen." in told(matrix_game(**keys).preview()[0])
    with pytest.raises(DesignError, match="story: 'a pot' is nowhere in what this game says; it can replace 'You play"):
        matrix_game(story={"a pot": "a cake"})


# What is told


def last_trials(tmp_path, **keys):
    game = matrix_game(matches=1, rounds=4, **keys)
    engine = ScriptedEngine(always(0)) if not {"chat", "think"} & keys.keys() else ScriptedEngine(uniform())
    done = collect(game, {"model": engine}, tmp_path)
    return [t for t in game.trials(done.responses()) if t.place.round == 4]


def test_history_grows_by_a_line_a_round(tmp_path):
    text = last_trials(tmp_path)[0].request.messages[-1].text
    name = "J" if "chose J" in text else "F"
    line = f"you chose {name}, the other chose {name}; you got 3 points."
    assert text.startswith("\n".join(f"Round {k}: {line}" for k in (1, 2, 3)) + "\n\nRound 4.\n\nWhich do you choose?")


@pytest.mark.parametrize(
    ("keys", "there", "missing"),
    [
        ({"history": 2}, "Round 2: you chose", "Round 1:"),
        ({"information": "own"}, "Round 3: you got 3 points.", "the other chose"),
        ({"information": "none"}, "Round 4.", "Round 3"),
    ],
)
def test_information_and_history_say_how_much_of_the_past_is_told(tmp_path, keys, there, missing):
    for trial in last_trials(tmp_path, **keys):
        assert there in trial.request.messages[-1].text
        assert missing not in trial.request.messages[-1].text


def test_messages_of_a_chat_are_heard_by_the_others_of_the_group(tmp_path):
    trials = last_trials(tmp_path, chat=1)
    moves = [t for t in trials if t.place.item == "move"]
    assert (len(trials), len(moves)) == (4, 2)
    assert "You wrote: scripted text\nColumn wrote: scripted text" in moves[0].request.messages[-1].text
    assert "wrote" not in next(t for t in trials if t.place.item == "message").request.messages[-1].text


def test_a_prediction_is_asked_first_and_stands_before_the_move(tmp_path):
    trials = last_trials(tmp_path, think="predict")
    asked, moved = (next(t for t in trials if t.place.item == id) for id in ("prediction-move", "move"))
    _, question, said, last = moved.request.messages
    assert question == asked.request.messages[-1]
    assert "What do you predict the other will choose?" in question.text
    assert said.role == "assistant"
    assert said.text in asked.request.continuations
    assert last.text.startswith("Given what you predict:")


def test_players_may_be_people_of_a_population(tmp_path):
    game = matrix_game({"row": "buyer", "column": "seller"}, population=made_up(6), personas=["buyer"], matches=3)
    trials = {t.answerer: t for t in game.preview()}
    assert "Take part as the person who says this about themselves:\n\nI am 2" in told(trials["buyer"])
    assert "Take part as" not in told(trials["seller"])
    people = [m.traits.get("person") for m in game.roster()]
    assert len(set(people) - {None}) == 3
    with pytest.raises(DesignError, match="1 people for the 2 players of a session"):
        matrix_game(population=made_up(1))


# Moves that are none


class Odd(Rules):
    """A number, which must be odd."""

    about = "name an odd number"

    @property
    def seats(self):
        return ("namer",)

    @property
    def items(self):
        return (Item(id="number", text="Which number?", form="number", lower=0, upper=9),)

    def instructions(self, seat, words):
        return "Name an odd number."

    def play(self, words, past, draw):
        named = (yield Turn(seat="namer", item=self.items[0]))["namer"]
        if named % 2 != 1:
            raise Illegal("namer", f"{named:g} is not odd")
        return Outcome(payoffs={"namer": named}, told={"namer": f"you named {named:g}."})


class InTurn(ScriptedEngine):
    """Names 1, 2, 3 ... by round."""

    def __init__(self, **biases):
        super().__init__(lambda trial: trial.place.round, address="scripted:in-turn", **biases)


@pytest.mark.parametrize(("illegal", "rounds", "payoff"), [("end", 2, [1, None]), ("forfeit", 4, [1, 0, 3, 0])])
def test_an_illegal_move_is_recorded_and_what_the_match_says_follows(tmp_path, illegal, rounds, payoff):
    game = matrix_game("namer", rules=Odd(), matches=1, rounds=4, illegal=illegal)
    done = collect(game, {"namer": InTurn()}, tmp_path)
    assert done.dispositions() == {"valid": rounds}
    plays = replay(game, done.table())
    assert plays["payoff"].to_list() == payoff
    assert plays["illegal"].to_list() == [k % 2 == 1 for k in range(rounds)]
    assert plays["why"].to_list()[1] == "namer: 2 is not odd"
    assert plays["ended"].to_list() == [illegal == "end" and k == 1 for k in range(rounds)]


def test_an_answer_that_is_none_is_marked_with_its_status(tmp_path):
    game = matrix_game(matches=30, rounds=5, illegal="forfeit")
    done = collect(game, {"model": ScriptedEngine(uniform(), seed=1, refuse=0.1)}, tmp_path)
    plays = replay(game, done.table())
    assert plays.height == 30 * 5 * 2
    assert set(plays["invalid"]) == {None, "refused"}
    assert done.dispositions()["refused"] == plays["invalid"].count()
    assert plays.filter(plays["invalid"].is_not_null())["payoff"].to_list() == [0] * plays["invalid"].count()
    assert not plays["illegal"].any()


def test_a_failed_call_stalls_the_match_until_it_is_asked_again(tmp_path):
    game = matrix_game(matches=10, rounds=3)
    torn = collect(game, {"model": ScriptedEngine(uniform(), seed=1, fail=0.2)}, tmp_path / "a")
    assert torn.state == "stalled"
    assert "the call for this move failed" in next(iter(torn.stalled.values()))
    assert replay(game, torn.table()).height < 60


# Bad input


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"continues": 0.0}, "continues is 0; a random end needs a probability between 0 and 1: rounds = 1"),
        ({"continues": 1.0}, "continues is 1; .* rounds = N is a known end"),
        ({"matches": 0}, "matches is 0; it must be at least 1"),
        ({"rounds": 0}, "rounds is 0; it must be at least 1"),
        ({"scale": 0.0}, "scale is 0; it must be above 0"),
        ({"history": 0}, "history is 0; it must be at least 1"),
        ({"names": "letter"}, 'names is \'letter\'; write "letters", "own", a list of names, or a table'),
        ({"names": ["X"]}, "names: more moves than the 1 names there are"),
        ({"names": {"acept": "yes"}}, "names: no move 'acept' .did you mean 'accept'"),
        ({"names": {"accept": "go", "refuse": "go"}}, "names: two moves are called the same"),
        ({"players": {"proposr": "x"}}, "players: no seat 'proposr' .did you mean 'proposer'"),
        ({"players": ["a"]}, "players: 1 roles for the 2 seats proposer, responder"),
        ({"personas": ["judge"]}, "personas: 'judge' is no role; there are proposer, responder"),
        ({"groups": 3}, 'matching = "partner": groups is 3, but players who stay together'),
        ({"matching": "stranger"}, "a session of 1 group has no strangers; write groups = 4"),
        (
            {"matching": "perfect_stranger", "groups": 3, "rounds": 4},
            "nobody meets twice for 3 rounds, and there are 4",
        ),
        ({"matching": "round_robin"}, "name at least two players"),
        ({"matching": "round_robin", "players": ["a", "a"]}, "players: 'a' is there twice; give every player a name"),
        ({"treatments": {"more": {"pott": 3}}}, r"\[game.treatments.more\]: no key 'pott' to vary .did you mean 'pot'"),
        ({"treatments": {"same": {"pot": 10}}}, r"\[game.treatments.same\] is the same game as 'control'"),
        ({"treatments": {"a": {"pot": 9}, "b": {"pot": 9}}}, r"\[game.treatments.b\] is the same game as 'a'"),
        ({"treatments": {"control": {"pot": 9}}}, "the control is the game as it stands; give the treatment another"),
        ({"treatments": {"more": {"matches": 3}}}, "no key 'matches' to vary"),
        ({"treatments": {"more": {"pot": "many"}}}, r"game.treatments.more: pot must be a whole number .found 'many'"),
        ({"treatments": {"all": {"matching": "round_robin"}}}, "a round robin is no treatment; make it the matching"),
        ({"matches": 1, "treatments": {"more": {"pot": 9}}}, "1 sessions for 2 treatments .with the control."),
        ({"pot": 0}, "game.pot: input should be greater than or equal to 1 .found 0"),
        ({"mathces": 3}, "no key 'game.mathces' .did you mean 'matches'"),
    ],
)
def test_what_cannot_be_played_is_refused_with_the_way_out(keys, message):
    with pytest.raises(DesignError, match=message):
        study(**keys)


class Idle(Odd):
    """Somebody sits there and is never asked."""

    @property
    def seats(self):
        return ("namer", "watcher")


class Twins(Odd):
    """Two seats of one name."""

    @property
    def seats(self):
        return ("namer", "namer")


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        (Idle, "watcher is a player who can never move"),
        (Twins, "seats are namer, namer; every player needs a name of its own"),
    ],
)
def test_rules_without_a_turn_or_a_name_for_every_player_are_refused(rules, message):
    with pytest.raises(DesignError, match=message):
        Matches(rules=rules(), seed=1)


def test_the_dilemma_of_old_takes_no_people_and_says_so():
    file = {"seed": 1, "engine": {"model": "smollm2", "rival": "smollm2"}, "game": {"use": "dilemma", "matches": 2}}
    with pytest.raises(DesignError, match="players of 'dilemma' are nobody in particular"):
        study_from_dict({**file, "population": {"use": "anes-1996"}})
