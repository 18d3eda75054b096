"""What was played in a game: moves by role and round, what they answer to, strategies, and matches that ended early."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from proband.analyses.answers import answers, cautions, measured, option_shares, percent, substantive, tabled
from proband.analyses.section import Analysis, Cell, CellForm, Figure, Section, Table, limits, marks
from proband.errors import DataError, DesignError
from proband.estimates import Estimate
from proband.instruments.items import Item
from proband.measures import share_estimates, strategy_frequencies, strategy_matches
from proband.runs.run import Run

_CHAPTER = "Play"
_MOST_SENTENCES = 6
_MOST_ROWS = 30  # of a table that is shown at once
_NEAR_CHANCE = 0.4  # share of moves against the best strategy from which on none of them describes a player
_FORMS: dict[str, CellForm] = {
    **dict.fromkeys(("matches", "moves", "round"), "count"),
    **dict.fromkeys(("role", "move", "strategy", "status", "the other's last move"), "text"),
}
_UNITS = "Matches are the units: what one player does depends on the other, so intervals are over matches."


def needs(run: Run) -> str | None:
    """Rounds, and moves with options."""
    if not run.dispositions():
        return "nothing was answered yet"
    table = run.table()
    if not table["round"].max():
        return "this run has no rounds: nothing was played"
    if not any(item.form in ("choice", "scale") for item in run.items.values()):
        return "no move of this game is a choice among options"
    return None


def sections(run: Run) -> Sequence[Section]:
    """Moves, rounds, answers to the other's last move, strategies where the game has them, and early ends."""
    table = _played(run)
    present = set(table["role"])
    cast = (run.manifest.get("design") or {}).get("cast") or ()
    known = dict.fromkeys([*(member.role for member in run.roster), *cast, "player"])
    roles = [role for role in known if role in present]
    moves = [item for item in run.items.values() if item.form in ("choice", "scale")]
    found: list[Section] = []
    for item in moves:
        part = table.filter(pl.col("item") == item.id)
        if part.is_empty():
            continue
        asked = [role for role in roles if role in set(part["role"])]
        last = _with_last(part)
        found += [_moves(item, part, asked), _rounds(item, part, asked)]
        found += [] if last is None else [_replies(item, last, asked)]
        found += _strategies(item, part, asked)
    # Of matches that are replayed, `games` tells how they ended, by their own number of rounds.
    is_replayed = (run.manifest.get("design") or {}).get("design") == "matches"
    return [*found, *([] if is_replayed else _ends(run, table))]


def _played(run: Run) -> pl.DataFrame:
    """Moves with matches and roles; those of a dilemma of version 0.1, which kept neither, are in its names."""
    table, design = answers(run).filter(pl.col("round") > 0), run.manifest.get("design") or {}
    if design.get("design") == "prisoners_dilemma" and table["role"].null_count() == table.height:
        is_row = pl.col("subject").str.ends_with("-row")
        first, second = design["cast"]
        table = table.with_columns(
            pl.col("subject").str.replace("-(row|column)$", "").alias("unit"),
            pl.when(is_row).then(pl.lit(first)).otherwise(pl.lit(second)).alias("role"),
        )
    return table.with_columns(pl.col("role").fill_null("player"))


def _shares(item: Item, part: pl.DataFrame) -> tuple[Estimate, ...]:
    """Share of every move, one row a match: rounds and players of a role averaged within it first."""
    rows = list(option_shares(item, part, ("unit",)).values())
    options = [item.options[k] for k in substantive(item)]
    if not rows:
        return tuple(measured(lambda: _nobody(item), f"share of {text}") for text in options)
    return share_estimates(np.array(rows), len(options), target="model")


def _table(names: Sequence[str], rows: Iterable[tuple[Cell, ...]], caption: str, *, is_folded: bool = False) -> Table:
    """A table whose columns are counts, texts or shares, by their names."""
    forms: dict[str, CellForm] = {name: _FORMS.get(name, "share") for name in names}
    return tabled(forms, rows, caption, is_folded=is_folded, side="model")


def _nobody(item: Item) -> Estimate:
    raise DataError(f"no valid {item.id} was made here")


def _rows(item: Item, groups: Mapping[tuple[Cell, ...], pl.DataFrame]) -> list[tuple[Cell, ...]]:
    """Of every group its cells, a move, matches, moves and share; the second of two moves mirrors the first."""
    options = [item.options[k] for k in substantive(item)]
    return [
        (*cells, text, part["unit"].n_unique(), part.height, share)
        for cells, part in groups.items()
        for text, share in zip(options[:1] if len(options) == 2 else options, _shares(item, part), strict=False)
    ]


def _moves(item: Item, part: pl.DataFrame, roles: Sequence[str]) -> Section:
    """Share of each move by role, over all rounds and in the first."""
    by_role: dict[tuple[Cell, ...], pl.DataFrame] = {(role,): part.filter(pl.col("role") == role) for role in roles}
    first = {cells: own.filter(pl.col("round") == 1) for cells, own in by_role.items()}
    pairs = zip(_rows(item, by_role), _rows(item, first), strict=True)
    rows = [(*row, opening[-1]) for row, opening in pairs]
    shares = [(f"{row[0]}, {row[1]}", row[4], row[5]) for row in rows]
    known = [(label, of, at) for label, of, at in shares if isinstance(of, Estimate) and isinstance(at, Estimate)]
    said = tuple(f"{label}: {percent(of)} of all moves, {percent(at)} in round 1." for label, of, at in known)
    return Section(
        name=f"play-{item.id}",
        heading=f"Moves: {item.id}",
        chapter=_CHAPTER,
        sentences=said if len(said) <= _MOST_SENTENCES else (),
        table=_table(("role", "move", "matches", "moves", "share", "in round 1"), rows, "Share of each move by role"),
        figure=Figure(
            form="intervals",
            rows=marks({label: of for label, of, _ in known}, "model"),
            caption=f"Share of each {item.id} by role",
        ),
        keys={"item": item.id},
        notes=(_UNITS, "Roles are never pooled. Shares are of probabilities where the engine gave them."),
        warnings=cautions((label, share) for label, of, at in known for share in (of, at)),
    )


def _rounds(item: Item, part: pl.DataFrame, roles: Sequence[str]) -> Section:
    """Share of each move, round by round."""
    groups: dict[tuple[Cell, ...], pl.DataFrame] = {
        (role, number): part.filter(pl.col("role") == role, pl.col("round") == number)
        for role in roles
        for number in sorted(part["round"].unique())
    }
    rows = _rows(item, {cells: own for cells, own in groups.items() if own.height})
    points = [
        {"x": row[1], "y": limits(row[-1])["value"], "series": f"{row[0]}: {row[2]}", **limits(row[-1])}
        for row in rows
        if isinstance(row[-1], Estimate)
    ]
    caption = "Share of each move by round"
    n, n_rounds = part["unit"].n_unique(), part["round"].n_unique()
    return Section(
        name=f"play-{item.id}-rounds",
        heading=f"Rounds: {item.id}",
        chapter=_CHAPTER,
        sentences=(f"{n} matches were played over up to {n_rounds} rounds.",),
        table=_table(("role", "round", "move", "matches", "moves", "share"), rows, caption, is_folded=True),
        figure=Figure(form="lines", rows=tuple(points), caption=caption),
        keys={"item": item.id},
        notes=(_UNITS,),
    )


def _with_last(part: pl.DataFrame) -> pl.DataFrame | None:
    """Moves with the other player's last one; None where a match has not two players."""
    if part.group_by("unit").agg(pl.col("subject").n_unique())["subject"].max() != 2:
        return None
    # Where players move in turn, or several times a round, "last" would be another thing in every game.
    both = part.group_by("unit", "round").agg(pl.col("subject").n_unique())["subject"].median()
    if both != 2 or part["replicate"].max():
        return None
    at = [name for name in ("unit", "item", "replicate") if name in part.columns]
    other = part.filter(pl.col("answer").is_not_null()).select(
        *at, (pl.col("round") + 1).alias("round"), pl.col("subject").alias("other"), pl.col("answer").alias("last")
    )
    return part.join(other, on=[*at, "round"]).filter(pl.col("subject") != pl.col("other"))


def _replies(item: Item, last: pl.DataFrame, roles: Sequence[str]) -> Section:
    """Share of each move after each last move of the other."""
    groups: dict[tuple[Cell, ...], pl.DataFrame] = {
        (role, item.options[k]): last.filter(pl.col("role") == role, pl.col("last") == k)
        for role in roles
        for k in substantive(item)
    }
    rows = _rows(item, {cells: own for cells, own in groups.items() if own.height})
    known = [(row, row[-1]) for row in rows if isinstance(row[-1], Estimate)]
    sentences = [
        f"After the other's {row[1]!r}, {row[0]} plays {row[2]!r} in {percent(share)}." for row, share in known
    ]
    return Section(
        name=f"play-{item.id}-replies",
        heading=f"Answers to the other's last move: {item.id}",
        chapter=_CHAPTER,
        sentences=tuple(sentences) if len(sentences) <= _MOST_SENTENCES else (),
        table=_table(
            ("role", "the other's last move", "move", "matches", "moves", "share"),
            rows,
            "Share of each move after the other's last one",
            is_folded=len(rows) > _MOST_ROWS,
        ),
        keys={"item": item.id},
        notes=(_UNITS, "Only matches count in which the other made that move, so rows are not of the same matches."),
        warnings=cautions((f"{row[0]} after {row[1]}", share) for row, share in known),
    )


def _strategies(item: Item, part: pl.DataFrame, roles: Sequence[str]) -> list[Section]:
    """How far each role plays the known strategies, where the game is the repeated one of two moves."""
    names = [item.options[k].casefold() for k in substantive(item)]
    if len(names) != 2 or not any(name.startswith("coop") for name in names):
        return []
    kind = next(k for k in substantive(item) if item.options[k].casefold().startswith("coop"))
    rows: list[tuple[Cell, ...]] = []
    sentences, warnings = [], []
    for role in roles:
        own, other, units = _games(part, role, kind)
        if not units:
            warnings.append(f"{role}: in no match have both players moved, so there is no strategy to be seen")
            continue
        try:
            found = strategy_matches(own, other, units)
            mix = strategy_frequencies(found.matches, found.n_choices, found.strategies)
        except (DesignError, DataError) as error:
            warnings.append(f"{role}: {error}")
            continue
        agreed = found.matches / found.n_choices[:, None]
        for k, (name, share) in enumerate(zip(mix.strategies, mix.shares, strict=True)):
            pair = np.column_stack([agreed[:, k], 1 - agreed[:, k]])
            rows.append((role, name, share_estimates(pair, 2, target="model")[0], share))
        best = max(range(len(mix.shares)), key=lambda k: mix.shares[k].value)
        sentences.append(
            f"{role}: none of the strategies on the list describes it. Its moves go against every one of them about as "
            f"often as chance would, {percent(mix.error)} at best."
            if mix.error.value >= _NEAR_CHANCE
            else f"{role}: {mix.strategies[best]} has the largest share of players, {percent(mix.shares[best])}; "
            f"{percent(mix.error)} of moves go against the player's strategy."
        )
        warnings += [f"{role}: {warning}" for warning in mix.warnings]
    return [
        Section(
            name=f"play-{item.id}-strategies",
            heading="Strategies",
            chapter=_CHAPTER,
            sentences=tuple(sentences),
            table=_table(
                ("role", "strategy", "choices it would have made too", "share of players"),
                rows,
                "How far each role plays each strategy",
            ),
            keys={"item": item.id},
            notes=("What is not on the list of strategies is shared out among those that are.", _UNITS),
            warnings=tuple(warnings),
        )
    ]


def _games(part: pl.DataFrame, role: str, cooperate: int) -> tuple[NDArray[np.int64], NDArray[np.int64], list[str]]:
    """Own and the other's choices by match, 1 where they cooperate, -1 once a match has ended; and the matches."""
    n_rounds = int(part["round"].to_numpy().max())
    players: dict[str, dict[str, NDArray[np.int64]]] = {}
    roles: dict[str, str] = {}
    for unit, subject, played, number, answer in part.select("unit", "subject", "role", "round", "answer").iter_rows():
        row = players.setdefault(unit, {}).setdefault(subject, np.full(n_rounds, -1))
        roles[subject] = played
        if answer is not None:
            row[number - 1] = int(answer == cooperate)
    own, other, units = [], [], []
    for unit, sides in players.items():
        if len(sides) != 2:
            continue
        over = np.minimum.accumulate(np.all(np.array(list(sides.values())) >= 0, axis=0))
        for subject, mine in sides.items():
            (theirs,) = (row for name, row in sides.items() if name != subject)
            if roles[subject] == role and over[0]:
                own.append(np.where(over, mine, -1))
                other.append(np.where(over, theirs, -1))
                units.append(unit)
    return np.array(own).reshape(-1, n_rounds), np.array(other).reshape(-1, n_rounds), units


def _ends(run: Run, table: pl.DataFrame) -> list[Section]:
    """Matches that did not reach the last round, and what stopped them."""
    planned = (run.manifest.get("design") or {}).get("rounds") or int(table["round"].to_numpy().max())
    last = table.group_by("unit").agg(pl.col("round").max())
    short = last.filter(pl.col("round") < planned)["unit"]
    broken = table.filter(pl.col("status") != "valid")
    stopped = Counter(broken.unique("unit", keep="first", maintain_order=True).select("role", "status").iter_rows())
    n, n_early = last.height, len({*short, *broken["unit"]})
    if not n_early:
        return []
    open_ = n_early - sum(stopped.values())
    why = [f"{count} because an answer was {status} ({role})" for (role, status), count in stopped.most_common()]
    why += [f"{open_} are not played to their end yet"] * bool(open_)
    rows = [(role, status, count) for (role, status), count in stopped.most_common()]
    return [
        Section(
            name="play-ends",
            heading="Matches that were not played to their end",
            chapter=_CHAPTER,
            sentences=(f"{n_early} of {n} matches did not end with round {planned}: {'; '.join(why)}.",),
            table=_table(("role", "status", "matches"), rows, "What stopped matches") if rows else None,
            warnings=("shares by round are of the matches that got so far, which may not be like the others",),
        )
    ]


ANALYSIS = Analysis(
    name="play",
    about="moves of each role by round and by the other's last move, strategies, and matches that ended early",
    needs=needs,
    sections=sections,
    is_quiet=True,
)
