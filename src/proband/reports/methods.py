"""Prose about a run: what was done, ready for a paper, and what may be said because of it."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from proband.records import STATUSES
from proband.reports.comparison import Comparison, ItemComparison
from proband.reports.tables import FLOOR, condition_text
from proband.runs.run import Run

_PRESENTATIONS = {
    "single": "each item by itself",
    "battery": "the items of a grid together, answered one by one",
    "sequential": "all items as one conversation in which earlier answers were remembered",
}
_METHODS = {
    "option_text": "the probabilities of the option texts, made to sum to 1 over the options",
    "option_text_mean": "the probabilities per token of the option texts, made to sum to 1 over the options",
    "label": "the probabilities of the option labels, made to sum to 1 over the options",
    "written": "a written reply, read by fixed rules",
    "verbalised": "a distribution over the options that the model wrote",
}
_ORDERS = {
    "counterbalanced": "counterbalanced (both directions of a scale, rotations of unordered options)",
    "as_written": "as written in the instrument",
    "reversed": "reversed",
    "random": "random for every subject and item",
}
_PERSONAS = {
    "first": "a first-person backstory",
    "third": "a third-person description",
    "interview": "an interview transcript",
    "none": "no persona",
}
_LABELS = {
    "none": "without labels",
    "letters": "labelled with letters",
    "numbers": "labelled with numbers",
    "points": "labelled with their scale points",
}
_STATUS_WORDS = {"dont_know": "don't know"}
_RUNG_WORDS = {
    "marginal": "shares",
    "subgroup": "shares within subgroups",
    "joint": "relations between answers",
    "individual": "persons",
    "effect": "effects of conditions",
}
_WEIGHTS = ("weights", "sha256", "model", "answers", "responses")


def methods_paragraph(run: Run, comparison: Comparison) -> str:
    """What was done, as plain prose built from the manifest.

    Parameters
    ----------
    run : Run
        Finished or not; of an unfinished run the paragraph says so and leaves out what is not known yet.
    comparison : Comparison
        Of that run.

    Returns
    -------
    str
        One paragraph: instrument, subjects, engine, presentation, rule of answers, randomness, people,
        statistics, versions, dates, and what failed.
    """
    manifest = run.manifest
    design = manifest.get("design") or {}
    sentences = [
        _asked(design, comparison),
        _engine_sentence(manifest),
        *_settings(design),
        _seed_sentence(manifest, design),
        _people_sentence(comparison),
        _statistics_sentence(comparison),
        _dispositions_sentence(comparison),
        _software_sentence(manifest),
    ]
    return " ".join(sentence for sentence in sentences if sentence)


def claims_paragraphs(run: Run, comparison: Comparison) -> tuple[str, str]:
    """What these data license, and what they do not.

    Returns
    -------
    tuple of str
        The licence and its limits. Without people's answers neither says anything about people's shares.
    """
    compared = [found for found in comparison.items if found.fidelity]
    subjects = _count(comparison.n_subjects, "subject")
    asked = f"the answers of {engine_name(run.manifest)}, asked in this way and as these {subjects}"
    if not compared:
        has_people = comparison.n_people is not None
        reason = (
            "their answers are shown, but no distance from them was estimated"
            if has_people
            else "there are no human answers here to compare with"
        )
        return (
            f"These data license statements about {asked}.",
            f"They license no statement about people: {reason}, so no share or mean of the model is an "
            "estimate for a population. Nor do they say what the same engine would answer to other words, "
            "with options in another order, or as other personas, or what another engine would.",
        )
    n = max(found.fidelity.n_people for found in compared if found.fidelity)
    people = f"{_count(n, 'person', 'people')} of {population_name(run.manifest) or 'the data'}"
    items = _count(len({found.item.id for found in compared}), "item")
    license_ = f"These data license statements about how far {asked}, are from those of {people} on {items}."
    limits = (
        "They do not license the use of this engine in place of people: a small distance on these items says "
        "nothing of other items, populations, wordings or times, and equal shares do not mean that the same "
        "persons give the same answers. A share of the model is not an estimate for the population, whatever "
        "its interval; that interval is about the sampling of subjects, not about the truth of the model. "
        "These answers may have been in the engine's training data, which would make it look closer than it "
        "is elsewhere."
    )
    return " ".join([license_, *_findings(compared), *_rungs(comparison)]), limits


def _rungs(comparison: Comparison) -> list[str]:
    """Which rungs of the ladder were tested, and what the others would have needed."""
    ladder = comparison.ladder
    if ladder is None:
        return []
    tested = _listed([_RUNG_WORDS[rung] for rung in ladder.tested])
    sentences = [f"Likeness was tested for {tested}."]
    if ladder.not_tested:
        rest = _listed([f"{_RUNG_WORDS[rung]} ({reason})" for rung, reason in ladder.not_tested.items()])
        sentences.append(f"Not tested, and so not to be claimed: {rest}.")
    return sentences


def summary_sentence(run: Run, comparison: Comparison) -> str:
    """One sentence: who answered what as whom, and how that compares with people."""
    engine = engine_name(run.manifest)
    items = _count(len({found.item.id for found in comparison.items}), "item")
    base = f"{engine} answered {items} as {_count(comparison.n_subjects, 'subject')}"
    if not run.is_complete:
        base = f"So far, {base[0].lower()}{base[1:]}" if base.startswith("The ") else f"So far, {base}"
    compared = [found for found in comparison.items if found.fidelity]
    if comparison.n_people is None:
        return f"{base}; without human answers, nothing here is about people."
    if not compared:
        return f"{base}; people's answers stand beside them, but no distance from people was estimated."
    closer = len(compared) - len(_not_closer(compared))
    among = f"{closer} of {_count(len(compared), 'comparison')}"
    return f"{base}; in {among} with people it is shown to be closer to them than uniform answers are."


def engine_name(manifest: Mapping[str, Any]) -> str:
    """Addresses of what answered, without their options."""
    addresses = _mapping(manifest.get("engine"))
    # Options behind the question mark belong to the plan and the manifest, not into a sentence.
    short = {part: str(address).partition("?")[0] for part, address in sorted(addresses.items())}
    named = [f"{address} as {part}" if part else address for part, address in short.items()]
    return _listed(named) or "an unnamed engine"


def population_name(manifest: Mapping[str, Any]) -> str:
    """Title of the population, or its name; empty where the design names none."""
    design = _mapping(manifest.get("design"))
    return str(design.get("population_title") or design.get("population") or "")


def _asked(design: Mapping[str, Any], comparison: Comparison) -> str:
    n_items = design.get("items") or len({found.item.id for found in comparison.items})
    title = design.get("instrument_title") or design.get("instrument")
    instrument = f" of {title}{_cited(design.get('instrument_source'))}" if title else ""
    what = f"We put {_count(int(n_items), 'item')}{instrument}"
    if "subjects" not in design:
        return f"{what} to {_count(comparison.n_subjects, 'subject')}."
    name = design.get("population_title") or design.get("population")
    source = _cited(design.get("population_source"))
    return f"{what} to {_count(int(design['subjects']), 'subject')} drawn from {name}{source}."


def _engine_sentence(manifest: Mapping[str, Any]) -> str:
    prints = _mapping(manifest.get("fingerprint"))
    parts = []
    for part, address in sorted(_mapping(manifest.get("engine")).items()):
        found = _mapping(prints.get(part))
        known = [f"{key} {found[key]}" for key in (*_WEIGHTS, "template", "dtype", "device") if key in found]
        role = f" as {part}" if part else ""
        details = f" ({', '.join(known)})" if known else ""
        parts.append(f"{address}{role}{details}")
    return f"Answers came from {_listed(parts)}." if parts else ""


def _settings(design: Mapping[str, Any]) -> list[str]:
    """Presentation, persona, order, labels and rule of answers, and which of them varied."""
    settings = _mapping(design.get("settings"))
    if not settings:
        return []
    decide = "drawn at random" if design.get("decide") == "draw" else "its most probable option"
    methods = list(settings.get("answer_by", ()))
    sentences = [
        f"We presented {_either(settings, 'presentation', _PRESENTATIONS)}, with "
        f"{_either(settings, 'persona', _PERSONAS)} as the system message.",
        f"The order of options was {_either(settings, 'order', _ORDERS)}{_labels(settings)}.",
        f"Answers were taken as {_either(settings, 'answer_by', _METHODS)}.",
    ]
    if set(methods) - {"written"}:
        sentences.append(f"Of an answer that is a distribution, the single answer kept was {decide}.")
    if set(methods) & {"written", "verbalised"}:
        writing = _mapping(design.get("writing"))
        temperature, top_p = writing.get("temperature"), writing.get("top_p")
        sentences.append(f"Replies were written at temperature {temperature} and top-p {top_p}.")
    for name, levels in _mapping(design.get("factors")).items():
        named = "; ".join(f"{level}: “{text}”" for level, text in _mapping(levels).items())
        sentences.append(f"The factor {name} had {_count(len(levels), 'level')} ({named}).")
    varied = [str(name) for name in design.get("varied", ())]
    if varied:
        sentences.append(f"Conditions crossed {_listed(varied)}.")
    return sentences


def _labels(settings: Mapping[str, Any]) -> str:
    levels = [str(level) for level in settings.get("labels", ())]
    if levels == ["auto"]:
        return ""
    words = [_LABELS.get(level, f"labelled {level}") for level in levels if level != "auto"]
    return f", and options were {' or '.join(words)}" if words else ""


def _seed_sentence(manifest: Mapping[str, Any], design: Mapping[str, Any]) -> str:
    replicates = int(design.get("replicates") or 1)
    repeats = "once" if replicates == 1 else f"{replicates} times"
    return f"Every trial was asked {repeats}; all randomness derives from seed {manifest.get('seed')}."


def _people_sentence(comparison: Comparison) -> str:
    compared = [found.fidelity for found in comparison.items if found.fidelity]
    if comparison.n_people is None:
        return "No human answers were collected."
    people = _count(comparison.n_people, "person", "people")
    taken = f"Answers of {people} to the same items were taken from the same data"
    if not compared:
        return f"{taken}."
    nulls = _listed(sorted({found.nulls for found in compared}))
    return (
        f"{taken}; each subject of the model was compared with the person it describes. The majority and "
        f"marginal-only rows come from {nulls}."
    )


def _statistics_sentence(comparison: Comparison) -> str:
    shares = [found for found in comparison.items if found.model_shares]
    if not shares:
        return ""
    compared = [found.fidelity for found in shares if found.fidelity]
    kinds = [("shares of the model", [found.model_shares[0].interval_method for found in shares])]
    if compared:
        kinds.append(("shares of people", [pair.human_shares[0].interval_method for pair in compared]))
        kinds.append(
            ("total variation distances", [pair.total_variation.interval_method for pair in compared])
        )
    named = "; ".join(f"for {what}, {_methods_named(methods)}" for what, methods in kinds)
    floor = (
        " The noise floor is the distance that sampling error alone would give a model that knew the truth."
    )
    level = 100 * shares[0].model_shares[0].level
    return f"Intervals are at {level:g} %: {named}.{floor if compared else ''}"


def _methods_named(methods: Sequence[str]) -> str:
    """Each method once, without the numbers that differ from item to item."""
    return " or ".join(dict.fromkeys(re.sub(r",? \d+ df| = [\d.]+", "", method) for method in methods))


def _dispositions_sentence(comparison: Comparison) -> str:
    counts = comparison.dispositions
    total = sum(counts.values())
    if not total:
        return "Nothing has been answered yet."
    lost = [
        f"{counts[status]:,} {_STATUS_WORDS.get(status, status)}"
        for status in STATUSES
        if status != "valid" and counts.get(status)
    ]
    rest = f"; the others were {_listed(lost)}, and count as no answer" if lost else ""
    return f"Of {_count(total, 'response')}, {counts.get('valid', 0):,} were valid{rest}."


def _software_sentence(manifest: Mapping[str, Any]) -> str:
    packages = _mapping(manifest.get("packages"))
    if not packages:
        return "The run is unfinished, and versions are not recorded yet."
    others = [f"{name} {version}" for name, version in sorted(packages.items()) if name != "proband"]
    dates = sorted({str(manifest.get(key))[:10] for key in ("started", "finished") if manifest.get(key)})
    return (
        f"The run was made with Proband {packages.get('proband', '')} on Python {manifest.get('python')} "
        f"({', '.join(others)}), {' to '.join(dates)}."
    )


def _findings(compared: Sequence[ItemComparison]) -> list[str]:
    """What the distances say, item by item."""
    sentences = []
    if names := _not_closer(compared):
        sentences.append(f"The model is not shown to be closer than uniform answers on {_listed(names)}.")
    if names := _within_floor(compared):
        sentences.append(f"Its distance is within the noise floor on {_listed(names)}.")
    silent = [_title(f) for f in compared if f.fidelity and f.fidelity.agreement_gain.warnings]
    if silent:
        sentences.append(
            f"On {_listed(silent)} the personas were not shown to tell the model more about a person than "
            "people's shares alone do."
        )
    return sentences


def _not_closer(compared: Sequence[ItemComparison]) -> list[str]:
    """Items whose interval of the distance reaches what uniform answers have, or that have no interval."""
    distances = [(found, found.fidelity.total_variation) for found in compared if found.fidelity]
    return [
        _title(found)
        for found, tv in distances
        if tv.interval is None or tv.interval[1] >= tv.baselines["uniform"]
    ]


def _within_floor(compared: Sequence[ItemComparison]) -> list[str]:
    distances = [(found, found.fidelity.total_variation) for found in compared if found.fidelity]
    return [_title(found) for found, tv in distances if tv.value <= tv.baselines[FLOOR]]


def _title(found: ItemComparison) -> str:
    condition = condition_text(found.condition)
    return f"{found.item.id} ({condition})" if condition else found.item.id


def _either(settings: Mapping[str, Any], name: str, words: Mapping[str, str]) -> str:
    levels = [str(level) for level in settings.get(name, ())]
    return " or ".join(words.get(level, level) for level in levels) or "as the design says"


def _cited(source: object) -> str:
    text = str(source or "").strip().rstrip(".")
    return f" ({text})" if text else ""


def _mapping(found: object) -> Mapping[str, Any]:
    return found if isinstance(found, Mapping) else {}


def _listed(parts: Sequence[str]) -> str:
    """Comma-separated, with "and" before the last."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else list(parts))


def _count(n: int, one: str, many: str = "") -> str:
    return f"{n:,} {one if n == 1 else many or one + 's'}"
