"""Pipes, ``{answer:vote}``, ``{subject:age}`` and ``{factor:frame}``, and braces that nothing fills."""

import re

from proband.errors import meant

KINDS = ("subject", "answer", "factor", "stimulus", "vignette", "profile")
PIPE = re.compile(rf"\{{({'|'.join(KINDS)}):([^{{}}]+)\}}")
_BRACES = re.compile(r"\{+[^{}]*\}*|\}+")
_WAY_OUT = "write the words out, or set shows_braces = true for this item if braces are to be shown as they stand"


def pipes_in(text: str) -> list[tuple[str, str]]:
    """What a text wants piped in: pairs such as ``("answer", "vote")``."""
    return [(kind, name.strip()) for kind, name in PIPE.findall(text)]


def unfilled(text: str, *, is_piped: bool = False) -> str:
    """The first braces of a text that nothing fills, empty if there are none; `is_piped` says that pipes are filled."""
    found = _BRACES.search(PIPE.sub("", text) if is_piped else text)
    return found[0] if found else ""


def unfilled_in_item(text: str, stem: str, options: tuple[str, ...], unit: str) -> list[str]:
    """What is wrong with the braces in an item's texts: pipes are filled in text and stem, and nowhere else."""
    fields = {"stem": stem, "text": text, **{f"option {k}": o for k, o in enumerate(options, start=1)}, "unit": unit}
    found = {name: unfilled(shown, is_piped=name in ("stem", "text")) for name, shown in fields.items()}
    return [f"{name} has {braces!r}, {_why(name, braces)}" for name, braces in found.items() if braces]


def _why(field: str, braces: str) -> str:
    kind = braces.strip("{}").partition(":")[0].strip()
    if field not in ("stem", "text"):
        return f"which is not filled there (pipes are filled in text and stem): {_WAY_OUT}"
    if kind in KINDS:
        return f"which names nothing; write e.g. {{{kind}:NAME}}"
    pipes = "{subject:COLUMN}, {answer:ITEM} and {factor:NAME}"
    return f"which is no pipe{meant(kind, KINDS)} (there are {pipes}): {_WAY_OUT}"
