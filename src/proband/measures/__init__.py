"""Numbers with their uncertainty: arrays and tables in, estimates out; never sees a model.

The public names stand in ``__init__.pyi``; each is loaded when it is first used.
"""

from proband.facade import facade

__all__, __getattr__ = facade(__name__, __file__)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
