"""What pages stand on, and what to do where it is not installed."""

from importlib.util import find_spec

from proband.errors import ProbandError

INSTALL = 'pip install "proband[web]"'


def refuse_without_extra() -> None:
    """Refuse to go on where the server of pages is not installed; called before anything else of the room is imported.

    Raises
    ------
    ProbandError
        With the line that installs it.
    """
    if missing := [name for name in ("starlette", "uvicorn") if find_spec(name) is None]:
        raise ProbandError(f"pages in a browser need {' and '.join(missing)}: {INSTALL}")
