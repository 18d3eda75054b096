"""Replies made by the thousand: those that the instructions allow, and those that deny, doubt or offer two."""

import math
import random
import re
from dataclasses import dataclass
from functools import partial

from proband.designs.survey.arrangement import arrangements, option_labels
from proband.instruments import Item
from proband.records import Reply

OPTIONS = (
    ("Yes", "No"),
    ("Yes", "No", "Don't know"),
    ("Berlin", "Paris", "London", "Madrid"),
    ("Agree strongly", "Agree", "Neither agree nor disagree", "Disagree", "Disagree strongly"),
    ("Strongly agree", "Somewhat agree", "Somewhat disagree", "Strongly disagree"),
    ("18-24", "25-34", "35-44", "45 or older"),
    ("Less than 5 hours", "5 hours", "10 hours", "More than 10 hours"),
    tuple(str(k) for k in range(11)),
    ("-2", "-1", "0", "1", "2"),
    ("$20", "$50", "$100"),
    ("10%", "50%", "100%"),
    ("Very satisfied", "Satisfied", "Not satisfied", "Not at all satisfied"),
    ("None", "One", "Two or more"),
    ("Yes, definitely", "Yes, probably", "No: never", "Not sure; it depends"),
    ("Salt and pepper", "Salt", "Pepper", "Bread & butter"),
    ("C", "C++", "C#", "Python 3.11"),
    ("同意", "不同意", "不知道"),
    ("Ärzte", "Çay", "Ελλάδα", "हाँ", "نعم"),
    ('The "best" option', "The worst (by far)", "It's fine.", "N/A"),
    ("Television", "The internet", "Radio", "Newspapers", "Friends", "Books", "None of these"),
    ("1 child", "2 children", "3 children", "4+ children"),
    ("At least once", "Never", "Always", "Most of the time"),
)
LABELS = ("none", "letters", "numbers", "points", "own")
DIGITS = ("0123456789", "٠١٢٣٤٥٦٧٨٩", "०१२३४५६७८९", "０１２３４５６７８９", "০১২৩৪৫৬৭৮৯")
ONES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
ONES += ("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen")
TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


@dataclass(frozen=True)
class Case:
    """A reply, how it is to be read, and the answer that it gives."""

    text: str
    reply: Reply
    answer: object


def in_words(n: int) -> str:
    """A whole number below a million in English words."""
    if n < 20:
        return ONES[n]
    if n < 100:
        return TENS[n // 10] + (f"-{ONES[n % 10]}" if n % 10 else "")
    for size, name in ((1000, "thousand"), (100, "hundred")):
        if n >= size:
            rest = n % size
            between = " and " if rest and (rest < 100 or size == 100) else " "
            return f"{in_words(n // size)} {name}" + (between + in_words(rest) if rest else "")
    raise AssertionError(n)


def shown(rng: random.Random, form: str) -> tuple[Reply, partial[Reply]]:
    """An item as it may be shown: options in one of the house's orders, under one of its sets of labels."""
    while True:
        options = rng.choice(OPTIONS)
        options = options[: rng.randint(2, len(options))]
        how = rng.choice(LABELS)
        if how == "own":
            pool = rng.choice((("i", "ii", "iii", "iv", "v"), ("α", "β", "γ", "δ"), ("1a", "1b", "2a", "2b", "2c")))
            how = "|".join(pool[: len(options)])
        if "|" in how and how.count("|") + 1 != len(options):
            continue
        total = {"total": float(rng.choice((10, 100, 1000)))} if form == "allocation" else {}
        codes = tuple(float(k - len(options) // 2) for k in range(len(options)))
        kind = {"codes": codes} if form in ("choice", "scale") else {}
        item = Item(id="i", text="?", form=form, options=options, **kind, **total)  # type: ignore[arg-type]
        labels = option_labels(item, how if kind or how != "points" else "letters", "written")
        order = rng.choice(arrangements(item, rng.choice(("as_written", "reversed", "counterbalanced"))))
        texts = tuple(options[k] for k in order)
        # Where a label is the text of another option, nobody knows which is meant; the house refuses such labels.
        if any(a.casefold() == b.casefold() for j, a in enumerate(labels) for k, b in enumerate(texts) if j != k):
            continue
        made = partial(Reply, form=form, options=texts, labels=labels, order=order, decide="mode", **total)
        return made(method="written"), made


def named(rng: random.Random, reply: Reply, place: int) -> str:
    """One option as it may be named: its text, its label, or the line that was shown."""
    text = reply.options[place]
    if not reply.labels:
        return text
    return rng.choice((text, reply.labels[place], f"{reply.labels[place]}. {text}"))


def dressed(rng: random.Random, text: str) -> str:
    """The same, as chat models dress it."""
    return rng.choice(("{}", "{}", "{}", "{}.", "**{}**", "**{}**.", "`{}`", " {}\n", "*{}*", "\n\n{}")).format(text)


def written_number(rng: random.Random, value: float) -> str:
    """A number as it may be written: other scripts' digits, decimal commas, groups of thousands, words."""
    size, decimals = abs(value), f"{abs(value):.6f}".partition(".")[2].rstrip("0")
    whole = int(size)
    groups = rng.choice(("", "", ",", "\u202f", "\u00a0", "'", " "))
    mark = rng.choice((".", ".", ",")) if len(decimals) != 3 and groups != "," else "."
    text = f"{whole:,}".replace(",", groups) + (mark + decimals if decimals else "")
    if groups == "" and decimals and whole >= 1000 and mark == "." and rng.random() < 0.3:
        text = f"{whole:,}".replace(",", ".") + "," + decimals
    if not decimals and whole < 10**6 and rng.random() < 0.25:
        text = in_words(whole)
        return text if value >= 0 else rng.choice(("minus ", "negative ")) + text
    text = text.translate(str.maketrans(DIGITS[0], rng.choice(DIGITS)))
    return text if value >= 0 else rng.choice(("-", "\u2212", "\u2013", "minus ")) + text


def parts_of(rng: random.Random, n: int, total: float) -> list[float]:
    """Amounts that sum to a total, many of them 0."""
    steps = rng.choice((2, 4, 5, 10, 20))
    cuts = sorted(rng.randint(0, steps) for _ in range(n - 1))
    whole = [b - a for a, b in zip([0, *cuts], [*cuts, steps], strict=True)]
    return [k * total / steps for k in whole]


def allowed(rng: random.Random) -> Case:
    """A reply in the very form that the house asks for."""
    form = rng.choice(("choice", "scale", "multiple", "ranking", "number", "allocation", "verbalised", "verbalised"))
    if form == "number":
        return _number(rng)
    reply, made = shown(rng, "choice" if form == "verbalised" else form)
    n = len(reply.options)
    if form in ("choice", "scale"):
        place = rng.randrange(n)
        return Case(dressed(rng, named(rng, reply, place)), reply, reply.order[place])
    if form in ("multiple", "ranking"):
        places = rng.sample(range(n), n if form == "ranking" else rng.randint(0, n))
        way = random.Random(rng.random())
        listed = rng.choice(("; ", ";", ";\n", " ; ")).join(named(way, reply, place) for place in places)
        answer = tuple(reply.order[place] for place in places)
        if not places:
            has_none = any(option.casefold() == "none" for option in reply.options)
            return Case(rng.choice(("none", "None", "none.")), reply, ()) if not has_none else allowed(rng)
        return Case(dressed(rng, listed), reply, answer if form == "ranking" else tuple(sorted(answer)))
    return _amounts(rng, reply if form == "allocation" else made(method="verbalised"))


def _number(rng: random.Random) -> Case:
    lower, upper = rng.choice(((0, 100), (-10, 10), (0, 10_000), (None, None), (18, None), (-1e6, 1e6)))
    low, high = -50 if lower is None else lower, 200_000 if upper is None else upper
    value = round(rng.uniform(low, high), rng.choice((0, 0, 0, 1, 2)))
    value = min(max(value, low), high)
    reply = Reply(form="number", method="written", lower=lower, upper=upper)
    return Case(dressed(rng, written_number(rng, value)), reply, value + 0.0)


def _amounts(rng: random.Random, reply: Reply) -> Case:
    """One line for each option, "option: amount"."""
    n, is_share = len(reply.options), reply.method == "verbalised"
    total = 100.0 if is_share else reply.total or 0.0
    parts = parts_of(rng, n, total)
    order = rng.sample(range(n), n) if rng.random() < 0.3 else range(n)
    sign, bullet = rng.choice(("%", " %", "", " percent")) if is_share else "", rng.choice(("", "", "- ", "* "))
    scripts = str.maketrans(DIGITS[0], rng.choice(DIGITS))
    written = [
        f"{part:.6f}".rstrip("0").rstrip(".").replace(".", rng.choice(".,")).translate(scripts) for part in parts
    ]
    bold = rng.choice(("{}: {}", "{}: {}", "**{}**: {}", "**{}:** {}"))
    lines = [bullet + bold.format(named(rng, reply, place), written[place] + sign) for place in order]
    scale = 100.0 if is_share else 1.0
    answer = [0.0] * n
    for place, part in enumerate(parts):
        answer[reply.order[place]] = part / scale
    return Case("\n".join(lines), reply, tuple(answer))


DENIALS = (
    "Not {a}.", "Definitely not {a}", "{a} is wrong.", "Anything but {a}", "I would never choose {a}.", "{a}? No.",
    "It is not {a}", "{a} is not my answer", "I ruled out {a}.", "My answer is not {a}.", "Neither {a} nor {b}",
    "{a} and {b} are wrong", "I reject {a}", "{a} is incorrect", "Answer: {a} is wrong", "{a}, no.", "~~{a}~~",
    "I would not say {a} or {b}.", "Everything except {a}", "If I were younger I would say {a}",
)  # fmt: skip
OFFERS = (
    "{a} or {b}", "Either {a} or {b}", "{a}, or maybe {b}", "{a} (or {b})", "Between {a} and {b}", "{a}/{b}",
    "{a}. Wait, no: {b}", "{a}. Actually, {b}.", "{a}\n{b}", "Answer: {a}. Hmm, {b} is better.",
    "Answer: {a} or {b}", "I cannot decide: {a}, {b}", "{a}... no, {b}", "{a} or possibly {b}",
    "{a}. On reflection: {b}",
    "{a} and {b}", "I'd say {a}. No, {b}.", "{a}; {b}", "Answer: {a}. Scratch that: {b}.",
)  # fmt: skip


_OPTIONS_TOO = ("not {0}", "neither {0} nor {1}", "{0} and {1}", "{1} and {0}")


def adverse(rng: random.Random) -> Case:
    """A reply that denies an answer, or offers two; `answer` holds what it may be read as besides not at all."""
    if rng.random() < 0.2:
        a, b = rng.sample(range(2, 90), 2)
        template = rng.choice((*DENIALS[:15], *OFFERS, "{a}-{b}", "{a} to {b}", "more than {a}", "{a} or more", "{a}+"))
        reply = Reply(form="number", method="written", lower=0.0, upper=100.0)
        return Case(template.format(a=a, b=b), reply, _second(template, float(b)))
    form = rng.choice(("choice", "scale"))
    reply, _ = shown(rng, form)
    a, b = rng.sample(range(len(reply.options)), 2)
    way = (lambda k: reply.labels[k]) if reply.labels and rng.random() < 0.5 else (lambda k: reply.options[k])
    template = rng.choice((*DENIALS, *OFFERS))
    taken = {option.casefold() for option in reply.options}
    says_no = "no" in taken and "no" in re.findall(r"\w+", template.casefold())
    is_option = any(phrase.format(way(a), way(b)).casefold() in taken for phrase in _OPTIONS_TOO)
    is_rating = template == "{a}/{b}" and way(b).isdigit()
    if says_no or is_option or is_rating or (way(a) in ("No", "Never") and template in DENIALS):
        return adverse(rng)  # "No, no." is a plain no, "10/10" a rating, and "not satisfied" an option
    return Case(template.format(a=way(a), b=way(b)), reply, _second(template, reply.order[b]))


SPOILT = (
    "{list}; Zanzibar", "Zanzibar, {list}", "{list}, or maybe {a}", "{list}. Wait, no: {b}", "Not {list}",
    "I reject {list}", "{a} or {b}", "{a} to {b}", "{a}, possibly {b}", "Neither {a} nor {b}", "Anything but {a}",
    "{a} and {b} are wrong", "I would never choose {a} or {b}", "{a}? No.", "{list}? I cannot decide: {b}",
)  # fmt: skip
UNRANKED = (
    "{short}", "{list}; {a}", "{list}; Zanzibar", "{a} = {rest}", "{a} and {b}; {rest}", "{a} or {b}; {rest}",
    "Not {list}", "Last to first: {list}", "{list}. Wait, no: {b} first", "Worst: {list}",
)  # fmt: skip
MISDIVIDED = (
    "{a}: {less}\n{b}: {half}", "{a}: {half}-{total}\n{b}: {half}", "{a}: -{half}\n{b}: {half}",
    "{a}: {half} or {less}\n{b}: {half}", "{a}: not {half}\n{b}: {half}", "{a}: <{half}\n{b}: {half}",
    "{a}: {half}\n{b}: {half}\nWait, {a}: {total}\n{b}: 0", "{a}: {half}\n{a}: {total}\n{b}: {half}",
    "{a}: half\n{b}: half",
    "More than {half} to {a}",
)  # fmt: skip


def spoilt(rng: random.Random) -> Case:
    """A list, an order or a division that is not whole, denied or taken back; there is no answer in it."""
    form = rng.choice(("multiple", "ranking", "allocation", "verbalised"))
    reply, made = shown(rng, "choice" if form == "verbalised" else form)
    n = len(reply.options)
    places = rng.sample(range(n), n)
    if n < 3 or any(re.search(r"[\d;,:]|not|no\b|never|none|neither|least|most|worst", o, re.I) for o in reply.options):
        return spoilt(rng)
    names = [reply.options[k] if rng.random() < 0.7 or not reply.labels else reply.labels[k] for k in places]
    if any(one in other for one in names for other in names if one != other) or any(re.search(r"\d", x) for x in names):
        return spoilt(rng)
    parts = {
        "list": "; ".join(names),
        "short": "; ".join(names[1:]),
        "rest": "; ".join(names[2:]),
        "a": names[0],
        "b": names[1],
    }
    if form == "multiple":
        return Case(rng.choice(SPOILT).format(**parts), reply, None)
    if form == "ranking":
        return Case(rng.choice(UNRANKED).format(**parts), reply, None)
    total = 100 if form == "verbalised" else int(reply.total or 0)
    sums = {"total": total, "half": total // 2, "less": total // 2 - total // 10}
    reply = made(method="verbalised") if form == "verbalised" else reply
    return Case(rng.choice(MISDIVIDED).format(**parts, **sums), reply, None)


def _second(template: str, answer: object) -> object:
    """What a mind that was changed came to."""
    changed = ("no", "wait", "actually", "reflection", "scratch", "better")
    return answer if any(word in template.casefold() for word in changed) and "{b}" in template else math.nan
