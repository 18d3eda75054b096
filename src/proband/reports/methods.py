"""Prose about a run: what was done, ready for a paper, and what may be said because of it."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from proband.analyses.answers import listed
from proband.analyses.fidelity import DISTANCES
from proband.analyses.section import Section
from proband.designs.games.replay import DESCRIBED
from proband.designs.games.setting import Setting
from proband.designs.kind import Told, told_of
from proband.records import STATUSES
from proband.runs.run import Run
from proband.societies.asking import OUTSIDE

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
    "channel": "the probability of the text under the description of each option, made to sum to 1 over the options",
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
_NOBODY = "Nobody was asked: rules alone decided everything."
_WEIGHTS = ("weights", "sha256", "model", "answers", "responses")


def lead_of(run: Run, sections: Sequence[Section]) -> tuple[str, ...]:
    """Who answered what as whom, and what the sections put first."""
    if not run.items:
        return tuple(dict.fromkeys([_NOBODY, *(section.lead for section in sections if section.lead)]))
    items = _count(run.table()["item"].n_unique(), "item")
    base = f"{engine_name(run.manifest)} answered {items} {told_of(run.kind).stands} {_subjects(run)}."
    if not run.is_complete:
        base = f"So far, {base}"
    return tuple(dict.fromkeys([base, *(section.lead for section in sections if section.lead)]))


def limits_of(run: Run, sections: Sequence[Section]) -> str:
    """Whom the numbers are about, in a sentence."""
    if not run.items:
        return "These numbers describe what follows from rules, and neither a model nor people."
    if _is_compared(sections):
        return "These numbers say how far the model is from these people on these items, and no more."
    if run.people is not None:
        return "People's answers stand beside the model's. How far they are from each other was not estimated."
    told = told_of(run.kind)
    if told.limits:
        return told.limits
    if told.subject != Told().subject:
        return f"These numbers describe {_subjects(run, 'these ')}, and no people."
    return "These numbers describe a model and its personas. They do not describe a population of people."


def facts_of(run: Run) -> Mapping[str, str]:
    """Who was asked what by which engine, when."""
    manifest = run.manifest
    design = _mapping(manifest.get("design"))
    engines = [_in_part(str(address), part) for part, address in sorted(_mapping(manifest["engine"]).items())]
    settings = {
        _words(str(name)).capitalize(): "; ".join(_words(str(level)) for level in levels)
        + (" (varied)" if len(levels) > 1 else "")
        for name, levels in _mapping(design.get("settings")).items()
    }
    factors = {
        f"Factor {name}": "; ".join(f"{level}: “{text}”" for level, text in _mapping(levels).items())
        for name, levels in _mapping(design.get("factors")).items()
    }
    ended = f", finished {manifest['finished']}" if manifest.get("finished") else ", not finished"
    facts = {
        "Engine": "; ".join(engines) if run.items else "none: rules alone decided",
        "Instrument": _titled(design, "instrument"),
        "Questions": _titled(design, "bank"),
        "Prompts": ", ".join(_mapping(design.get("prompts"))),
        "Population": _titled(design, "population"),
        "Subjects": _who(run, design),
        "People": _people(run),
        "Responses": _responses(run.dispositions()),
        "Tokens": _tokens(_mapping(manifest.get("tokens"))),
        **settings,
        **factors,
        "Replicates": str(design.get("replicates") or ""),
        "Seed": str(manifest.get("seed")),
        "Dates": f"begun {manifest.get('started')}{ended}",
    }
    return {name: text for name, text in facts.items() if text}


def claims_of(run: Run, sections: Sequence[Section]) -> tuple[str, ...]:
    """What these data show, and what they do not; without people's answers nothing about people.

    Returns
    -------
    tuple of str
        Two paragraphs.
    """
    own = list(dict.fromkeys(claim for section in sections for claim in section.claims))
    if not run.items:
        return " ".join([f"These data show what follows from the rules of this study. {_NOBODY}", *own]), (
            "They do not show that people, or models, behave by these rules."
        )
    if not _is_compared(sections):
        reason = (
            "there are no human answers here to compare with"
            if run.people is None
            else "their answers are shown, but no distance from them was estimated"
        )
        engine = engine_name(run.manifest)
        answer = "answer" if len(_mapping(run.manifest.get("engine"))) > 1 else "answers"
        told, these = told_of(run.kind), _subjects(run, "these ")
        if told.shows:
            base = f"These data show {told.shows.format(subjects=these, engine=engine)}."
            return " ".join([base, *own]), f"They do not show {told.hides}."
        base = f"These data show how {engine} {answer} when asked in this way, {told.stands} {these}."
        return (
            " ".join([base, *own]),
            f"They show nothing about people: {reason}. So no share or mean of the model is an estimate for a "
            "population. Nor do they show what the same engine would answer to other words, with options in another "
            "order or as other personas, or what another engine would answer.",
        )
    name = population_name(run.manifest)
    base = (
        f"These data show how far the answers of {engine_name(run.manifest)}, asked in this way as "
        f"{_subjects(run, 'these ')}, are from those of people{name and f' of {name}'}."
    )
    return (
        " ".join([base, *own]),
        "They do not show that this engine can stand in for people. A small distance on these items says nothing "
        "about other items, populations, wordings or times. Equal shares do not mean that the same persons give the "
        "same answers. A share of the model is not an estimate for the population, whatever its interval: the "
        "interval is about which subjects were drawn, not about whether the model is right. These answers may have "
        "been in the engine's training data; then the model looks closer here than it would elsewhere.",
    )


def methods_of(run: Run, sections: Sequence[Section]) -> str:
    """What was done, as plain prose built from the manifest and the sections.

    Returns
    -------
    str
        One paragraph: instrument, subjects, engine, presentation, rule of answers, randomness, people, statistics,
        dispositions, versions, dates. Of an unfinished run it leaves out what is not known yet.
    """
    manifest = run.manifest
    design = _mapping(manifest.get("design"))
    # Where rules alone decide, no engine answered, whatever the file names.
    asked = [_asked(run, design), _engine_sentence(manifest)] if run.items else [_NOBODY]
    sentences = [
        *asked,
        *_settings(design),
        *_game(design),
        _seed_sentence(manifest, design),
        _nobody(run) if run.people is None else f"{_people(run)} were taken from the same data.",
        *(sentence for section in sections for sentence in section.methods),
        _dispositions_sentence(run) if run.items else "",
        _software_sentence(manifest),
    ]
    return " ".join(dict.fromkeys(sentence for sentence in sentences if sentence))


def _nobody(run: Run) -> str:
    # Where people's answers correct a model's, an analysis tells of them.
    return "" if told_of(run.kind).limits else "No human answers were collected."


def _is_compared(sections: Sequence[Section]) -> bool:
    return any(section.name == DISTANCES for section in sections)


def engine_name(manifest: Mapping[str, Any]) -> str:
    """Addresses of what answered, without their options."""
    addresses = _mapping(manifest.get("engine"))
    # Options behind the question mark belong to the plan and the manifest, not into a sentence.
    short = {part: str(address).partition("?")[0] for part, address in sorted(addresses.items())}
    return listed([_in_part(address, part) for part, address in short.items()]) or "an unnamed engine"


def _in_part(address: str, part: str) -> str:
    """An engine, and what it answered as, where that is no name of its own."""
    return f"{address} as {part}" if part and not address.startswith(part) else address


def population_name(manifest: Mapping[str, Any]) -> str:
    """Title of the population, or its name; empty where the design names none."""
    design = _mapping(manifest.get("design"))
    return str(design.get("population_title") or design.get("population") or "")


def _tokens(counts: Mapping[str, Any]) -> str:
    """Tokens of a finished run, and how many of its requests were only estimated."""
    prompt, reply, guessed = (int(counts.get(name, 0)) for name in ("prompt", "completion", "estimated"))
    estimates = f"; those of {_count(guessed, 'request')} are estimates, for nobody counted them" if guessed else ""
    return f"{prompt:,} in prompts, {reply:,} in replies{estimates}" if prompt or reply else ""


def _asked(run: Run, design: Mapping[str, Any]) -> str:
    n_items = design.get("items") or run.table()["item"].n_unique()
    title = design.get("instrument_title") or design.get("instrument")
    instrument = f" of {title}{_cited(design.get('instrument_source'))}" if title else ""
    what = f"We put {_count(int(n_items), 'item')}{instrument}"
    if "subjects" not in design:
        return f"{what} to {_subjects(run)}."
    name = design.get("population_title") or design.get("population")
    source = _cited(design.get("population_source"))
    return f"{what} to {_count(int(design['subjects']), 'subject')} drawn from {name}{source}."


def _engine_sentence(manifest: Mapping[str, Any]) -> str:
    prints = _mapping(manifest.get("fingerprint"))
    parts = []
    for part, address in sorted(_mapping(manifest.get("engine")).items()):
        found = _mapping(prints.get(part))
        names = (*_WEIGHTS, "template", "dtype", "device", "system_turn")
        known = [f"{key.replace('_', ' ')} {found[key]}" for key in names if key in found]
        role = f" as {part}" if part else ""
        details = f" ({', '.join(known)})" if known else ""
        parts.append(f"{address}{role}{details}")
    return f"Answers came from {listed(parts)}." if parts else ""


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
        sentences.append(f"Conditions crossed {listed(varied)}.")
    return sentences


def _game(design: Mapping[str, Any]) -> list[str]:
    """The game that was played with its keys, what surrounds it where that was set, and what treatments changed."""
    if design.get("design") != "matches":
        return []
    around = {name: field.get_default() for name, field in Setting.model_fields.items()}
    own = {k: v for k, v in design.items() if k not in around and k not in DESCRIBED and v is not None}
    set_ = {k: v for k, v in design.items() if k in around and k not in ("treatments", "writing") and v != around[k]}
    sentences = [f"The game was {design['game']}{_set(own, ' with ')}{_set(set_, '; around it, ')}."]
    for arm, keys in _mapping(design.get("treatments")).items():
        sentences.append(f"The treatment {arm} had{_set(_mapping(keys), ' ')}.")
    return sentences


def _set(keys: Mapping[str, Any], lead: str) -> str:
    return lead + listed([f"{name.replace('_', ' ')} = {value}" for name, value in keys.items()]) if keys else ""


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


def _dispositions_sentence(run: Run) -> str:
    counts = run.dispositions()
    total = sum(counts.values())
    if not total:
        return "Nothing has been answered yet."
    lost = listed(_named(counts, STATUSES[1:]))
    rest = f"; the others were {lost}, and count as no answer" if lost else ""
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


def _subjects(run: Run, these: str = "") -> str:
    """How many took part, and in how many independent units where subjects share them."""
    table = run.table()
    told = told_of(run.kind)
    n, n_units = table["subject"].n_unique(), table["unit"].n_unique()
    if told.subject == "agent":
        return _agents(table, these, f" in {_count(n_units, told.unit, told.units)}")
    subjects = f"{these if n > 1 else these.replace('these', 'this')}{_count(n, told.subject)}"
    return subjects if n_units == n else f"{subjects} in {_count(n_units, told.unit, told.units)}"


def _agents(table: pl.DataFrame, these: str, where: str) -> str:
    """How many agents were asked themselves, and for how many archetypes others took answers, which are no agents."""
    names = table["subject"].unique().str.split_exact(".", 1).struct.unnest()["field_1"]
    alone = int(names.str.contains(r"^\d+$").sum())
    kinds = names.filter(~names.str.contains(r"^\d+$") & (names != OUTSIDE)).n_unique()
    said = [_count(n, one) for n, one in ((alone, "agent"), (kinds, "archetype")) if n]
    lead = these if alone + kinds > 1 else these.replace("these", "this")
    stands = f", whose answers stand for agents{' not asked' * (alone > 0)}," * (kinds > 0)
    return f"{lead}{' and '.join(said) or _count(0, 'agent')}{stands}{where}"


def _who(run: Run, design: Mapping[str, Any]) -> str:
    planned = design.get("subjects")
    done = run.table()["subject"].n_unique()
    of = f" of {planned:,} planned" if isinstance(planned, int) and planned != done else ""
    return f"{_subjects(run)}{of}{', weighted' if run.weights else ''}"


def _people(run: Run) -> str:
    people = run.people
    if people is None:
        return ""
    return f"Answers of {_count(people.table()['subject'].n_unique(), 'person', 'people')} to the same items"


def _responses(counts: Mapping[str, int]) -> str:
    return f"{sum(counts.values()):,}: {', '.join(_named(counts, STATUSES))}" if counts else "none yet"


def _named(counts: Mapping[str, int], statuses: Sequence[str]) -> list[str]:
    return [f"{counts[status]:,} {_words(status)}" for status in statuses if counts.get(status)]


def _titled(design: Mapping[str, Any], what: str) -> str:
    title = str(design.get(f"{what}_title") or design.get(what) or "")
    return f"{title}{_cited(design.get(f'{what}_source'))}" if title else ""


def _words(name: str) -> str:
    """A name from the code as a reader says it."""
    return "don't know" if name == "dont_know" else name.replace("_", " ")


def _either(settings: Mapping[str, Any], name: str, words: Mapping[str, str]) -> str:
    levels = [str(level) for level in settings.get(name, ())]
    return " or ".join(words.get(level, level) for level in levels) or "as the design says"


def _cited(source: object) -> str:
    text = str(source or "").strip().rstrip(".")
    return f" ({text})" if text else ""


def _mapping(found: object) -> Mapping[str, Any]:
    return found if isinstance(found, Mapping) else {}


def _count(n: int, one: str, many: str = "") -> str:
    return f"{n:,} {one if n == 1 else many or one + 's'}"
