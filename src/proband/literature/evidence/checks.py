"""Three checks of a sentence over spans: its reference exists, agrees with the record, and its span supports it."""

import re
from collections.abc import Sequence

from proband.literature.evidence.claims import beyond, folded
from proband.literature.evidence.mentions import families_of, is_author, mentions_in, names_beyond
from proband.literature.evidence.passages import vectors_of
from proband.literature.evidence.sentences import Check, Checked, Sentence, Shown, told
from proband.literature.evidence.wording import STRONG, Wording, is_turned, stems_of, way_of, wording_of
from proband.literature.records.record import Record, plain
from proband.literature.spans import SHORTEST, normal
from proband.models.engine import BaseEngine
from proband.subjects.corpora import Corpus

COVERED = 0.6  # share of a sentence's content words that its spans have, at least
NEAR = 0.35  # cosine between a sentence and its spans, at least, where there is an encoder
_QUOTED = re.compile(
    r"(?:[\"“„«‹「『]|''|``)([^\"“”„«»‹›「」『』]+?)(?:[\"”“»›」』]|'')|(?<!\w)['‘`´]([^'‘’`´]{12,})['’`´](?!\w)"
)
_RAISED = re.compile(r"[⁰¹²³⁴-⁹]+(?:[,⁻][⁰¹²³⁴-⁹]+)*")
_YEARS = re.compile(r"(?<![\d.,])(?:1[89]|20)\d\d(?![\d.,]*\d)")


def check(
    sentences: Sequence[Sentence], shown: Shown, corpus: Corpus, *, encoder: BaseEngine | None = None
) -> list[Checked]:
    """Put sentences to the three checks; the first that a sentence fails is told, with why.

    Parameters
    ----------
    sentences : sequence of Sentence
        As they were written.
    shown : Shown
        The spans that they may cite.
    corpus : Corpus
        Where the spans must stand.
    encoder : BaseEngine, optional
        Gives sentence vectors; by default a sentence and its spans are compared by their words alone.

    Notes
    -----
    *exists*: a sentence cites spans it was shown, and no number, identifier or author besides; the spans stand in the
    corpus. *agrees*: authors, years and venues that it mentions are those of the records it cites. *supports*:
    quotations of 12 characters and more stand in the spans to the letter (after normalisation), shorter ones too;
    numbers are there as often, with the same noun, unit and statistic; what is denied, hedged or limited there is so
    here; words of more and less, of all and must, are the source's; `COVERED` of its content words, and the names it
    mentions, are the source's; what is nearly a sentence of the source has no word besides and no other order; no
    clause is without a word of the source; and the cosine of their vectors is `NEAR` at least, where there is an
    encoder. All rules of words are for English. Who did what to whom they do not see in a sentence that is told anew:
    two roles exchanged there pass. For that there are judges.
    """
    checked = [_checked(sentence, shown, corpus) for sentence in sentences]
    if encoder is None or not (sound := [k for k, found in enumerate(checked) if not found.failed]):
        return checked
    sources = [" ".join(span.text for span in shown.cited(sentences[k])) for k in sound]
    vectors = vectors_of([*(sentences[k].text for k in sound), *sources], encoder)
    for k, cosine in zip(sound, (vectors[: len(sound)] * vectors[len(sound) :]).sum(axis=1), strict=True):
        if cosine < NEAR:
            checked[k] = _failed(sentences[k], "supports", f"its vector is far from its spans' (cosine {cosine:.2f})")
    return checked


def _checked(sentence: Sentence, shown: Shown, corpus: Corpus) -> Checked:
    if why := _unknown(sentence, shown, corpus):
        return _failed(sentence, "exists", why)
    spans = shown.cited(sentence)
    records = list({span.record: shown.records[span.record] for span in spans}.values())
    source = " ".join(span.text for span in spans)
    if strange_note := next((m[0] for m in _RAISED.finditer(sentence.text) if m[0] not in source), ""):
        return _failed(sentence, "exists", f"{strange_note} cites a note, and there is none")
    # What the source itself mentions is a matter of its words.
    mentions = [m for m in mentions_in(sentence.text, source, families_of(shown.records)) if m.words not in source]
    rest = sentence.text
    for mention in mentions:
        rest = rest if mention.kind == "venue" else rest.replace(mention.words, " ")
    for mention in mentions:
        if mention.kind == "number" and (strange := set(mention.numbers) - set(sentence.spans)):
            return _failed(sentence, "exists", f"{mention.words} cites {sorted(strange)}, which the sentence does not")
        if mention.kind == "identifier" and not any(_identifies(mention.words, record) for record in records):
            return _failed(sentence, "exists", f"{mention.words!r} is none of the records it cites")
        if mention.kind == "author":
            by = [record for record in records if all(is_author(name, record) for name in mention.names)]
            if not by:
                known = any(is_author(name, record) for name in mention.names for record in shown.records.values())
                check: Check = "agrees" if known else "exists"
                return _failed(sentence, check, f"{mention.words!r}: it cites {_told(records)}, by others")
            if mention.year and all(record.year != mention.year for record in by):
                return _failed(sentence, "agrees", f"{mention.words!r}: the record says {_told(by)}")
        if mention.kind == "venue" and not any(_same_venue(mention.words, record.venue) for record in records):
            venues = " and ".join(record.venue or "nowhere named" for record in records)
            return _failed(sentence, "agrees", f"venue {mention.words!r}: the records it cites say {venues}")
    years = {str(record.year) for record in records if record.year} | set(_YEARS.findall(source))
    if strange_years := sorted(set(_YEARS.findall(rest)) - years):
        return _failed(
            sentence, "agrees", f"year {strange_years[0]}: neither the records it cites nor its spans say so"
        )
    why = _unsupported(rest, source, records)
    return _failed(sentence, "supports", why) if why else Checked(sentence=sentence)


def _unknown(sentence: Sentence, shown: Shown, corpus: Corpus) -> str:
    """Why what a sentence cites is nothing that it was shown."""
    if not sentence.spans:
        return "it cites nothing"
    if strange := [number for number in sentence.spans if not 1 <= number <= len(shown.spans)]:
        return f"it cites span {strange[0]}, and was shown 1 to {len(shown.spans)}"
    moved = [span.record for span in shown.cited(sentence) if not span.stands_in(corpus)]
    return f"its span no longer stands in record {moved[0]!r}, whose text changed; synthesise anew" if moved else ""


def _unsupported(text: str, source: str, records: Sequence[Record]) -> str:
    """Why spans do not say what a sentence says; empty where they do."""
    for quoted in map("".join, _QUOTED.findall(text)):
        if " ".join(normal(quoted).split()).strip(" .,;") not in " ".join(normal(source).split()):
            what = "quotation" if len(quoted) >= SHORTEST else "what stands in quotation marks,"
            return f"{what} {quoted!r} does not stand in its spans"
    text, source = folded(text), folded(source)
    said, there = wording_of(text), wording_of(source)
    return (
        _miscounted(said, there, {float(record.year) for record in records if record.year})
        or _turned(said, there)
        or next((f"name {name!r}: its spans do not have it" for name in names_beyond(text, records, source)), "")
        or _uncovered(said, there, records)
        or beyond(text, source, _stems_of(records))
    )


def _miscounted(said: Wording, there: Wording, years: set[float]) -> str:
    """Which number its source does not have, or has of something else."""
    for (value, is_percent), n in said.numbers.items():
        if n > there.numbers[value, is_percent] and value not in years:
            return f"number {value:g}{' %' * is_percent}: its spans do not have it"
    nouns = {noun for _, noun in there.counted}
    crossed = [(value, noun) for value, noun in said.counted - there.counted if noun in nouns and value not in years]
    return f"number {crossed[0][0]:g} is said of {crossed[0][1]!r}, whose number its spans give" if crossed else ""


def _turned(said: Wording, there: Wording) -> str:
    """What a sentence denies that its source says, or the other way round."""
    if said.n_negations > there.n_negations:
        return "it denies more than its spans do"
    # Only the first words behind a negation are compared: where the others stand, is a matter of style.
    for word in sorted(said.heads & there.said - there.denied):
        return f"it denies {word!r}, which its spans do not"
    is_kept = said.n_negations == there.n_negations and there.heads & said.denied
    for word in sorted(there.heads & said.said - said.denied - there.said if not is_kept else ()):
        return f"it says {word!r}, which its spans deny"
    for word in sorted(said.stems - there.stems):
        if any(is_turned(word, other) for other in there.stems):
            return f"{word!r}: its spans say the opposite"
    if strong := sorted(STRONG & said.stems - there.stems):
        return f"{strong[0]!r} claims more than its spans"
    ways = {way_of(word) for word in there.directions}
    for word, n in said.directions.items():
        if n > there.directions[word] and ways - {way_of(word)}:
            return f"{word!r} speaks of {way_of(word)}, its spans of {' and '.join(sorted(ways))} in other words"
    return ""


def _uncovered(said: Wording, there: Wording, records: Sequence[Record]) -> str:
    absent = sorted(said.stems - there.stems - _stems_of(records))
    if len(absent) > (1 - COVERED) * len(said.stems):
        return f"{len(absent)} of {len(said.stems)} content words are not its spans': {', '.join(absent[:4])}"
    return "" if said.stems else "it has no content words"


def _stems_of(records: Sequence[Record]) -> frozenset[str]:
    return stems_of(" ".join(part for record in records for part in (*record.authors, record.venue)))


def _identifies(words: str, record: Record) -> bool:
    bare = re.sub(r"^pmid:?\s*|^https?://(?:dx\.)?doi\.org/", "", words.lower()).rstrip(".,;")
    return bare in (record.doi, record.pmid, record.url.lower(), *map(str.lower, record.other.values()))


def _same_venue(words: str, venue: str) -> bool:
    """Whether a venue is named as the record has it, but for an article and whatever it goes on with."""
    one, other = (plain(name).removeprefix("the ") for name in (words, venue))
    return bool(other) and (one == other or other.startswith(f"{one} "))


def _told(records: Sequence[Record]) -> str:
    return " and ".join(map(told, records))


def _failed(sentence: Sentence, failed: Check, why: str) -> Checked:
    return Checked(sentence=sentence, failed=failed, why=why)
