"""``seat``: people at pages, which `proband seat` serves."""

from proband.addresses.opening import Scheme
from proband.models.seats import SeatEngine


def _open(rest: str) -> SeatEngine:
    return SeatEngine()


SCHEME = Scheme(
    pattern="seat",
    about="people in a browser, whom `proband seat STUDY` shows the pages",
    open=_open,
    is_person=True,
    only_one="people answer once",
)
