"""Numbers with their uncertainty: arrays and tables in, estimates out; never sees a model.

The public names stand in ``__init__.pyi``; each is loaded when it is first used, and every function stands behind one
door, `proband.measures.checked`.
"""

import inspect
from functools import cache
from typing import Any

from proband.facade import facade
from proband.measures.checked import checked

__all__, _load = facade(__name__, __file__)


@cache  # the same function at every use, and found by a pickle
def __getattr__(name: str) -> Any:
    found = _load(name)
    return checked(found, name, __name__) if inspect.isfunction(found) else found


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
