"""Proband: a laboratory for behavioural science with and of language models.

The public names stand in ``__init__.pyi``; each is loaded when it is first used, so ``import proband`` costs nothing.
"""

from proband.facade import facade

__all__, __getattr__ = facade(__name__, __file__)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
