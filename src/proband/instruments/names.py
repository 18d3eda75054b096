"""Texts that name one option as a whole, and lists that hold nothing but such names."""

import re

_EDGES = " \t\n\"'`.,;:!()[]{}*|"
_BULLET = re.compile(r"^[\s|]*[-•·–*][ \t]+")
_JOINTS = ("{}. {}", "{}) {}", "({}) {}", "{}: {}", "{} {}", "{} - {}", "[{}] {}")
_BEHIND = ("{1} ({0})", "{1} [{0}]")


class Names:
    """Everything that an option may be called: its text, its label, or both; alike in case and edges or not at all.

    A name that two options could have ("2", where the labels are 1 and 2 and the options 2 and 1) names none.
    """

    def __init__(self, options: tuple[str, ...], labels: tuple[str, ...]) -> None:
        self._exact: dict[str, int | None] = {}
        self._loose: dict[str, int | None] = {}
        for k, option in enumerate(options):
            label = labels[k] if labels else None
            # Behind an option a number may be its rank.
            joints = _JOINTS if label is None or label.isdecimal() else (*_JOINTS, *_BEHIND)
            both = [] if label is None else [joint.format(label, option) for joint in joints]
            for name in {option, *([] if label is None else [label]), *both}:
                _put(self._exact, _single(name), k)
                _put(self._loose, _normal(name), k)
        self.most_words = max((len(re.split(r"\W+", name)) for name in self._loose), default=1)

    def named(self, text: str) -> int | None:
        """Place of the option that a text is a name of, None where it is none, or could be two."""
        single = _single(text)
        return self._exact[single] if single in self._exact else self._loose.get(_normal(text))

    def listed(self, text: str, separator: re.Pattern[str]) -> list[tuple[int, str]] | None:
        """Places named one after another, each with what separates it from the one before; None where a part is none.

        A name may hold separators itself ("Yes, but later"): the longest that fits is taken.
        """
        cuts = [(0, 0), *(found.span() for found in separator.finditer(text)), (len(text), len(text))]
        parts = [(cuts[k][0], cuts[k][1], cuts[k + 1][0]) for k in range(len(cuts) - 1)]
        parts = [(cut, start, end) for cut, start, end in parts if text[start:end].strip(_EDGES)]
        found, k = [], 0
        while k < len(parts):
            cut, start, _ = parts[k]
            for last in range(min(len(parts), k + self.most_words), k, -1):
                part = text[start : parts[last - 1][2]]
                if (place := self.of_part(part)) is not None:
                    break
            else:
                return None
            found.append((place, text[cut:start]))
            k = last
        return found or None

    def of_part(self, part: str) -> int | None:
        """As `named`, where a bullet may stand before the name."""
        place = self.named(part)
        return self.named(_BULLET.sub("", part)) if place is None else place


def _put(names: dict[str, int | None], name: str, place: int) -> None:
    if name and names.setdefault(name, place) != place:
        names[name] = None


def _single(text: str) -> str:
    return " ".join(text.split())


def _normal(text: str) -> str:
    return _single(text).strip(_EDGES).casefold()
