"""``human:FOLDER``: people answer in a spreadsheet, whenever they get to it."""

from proband.addresses.opening import Scheme
from proband.models.human import HumanEngine

SCHEME = Scheme(
    pattern="human:FOLDER",
    about="people, now: questions go to FOLDER/open.csv, answers are read from FOLDER/answers.csv",
    open=HumanEngine,
    is_person=True,
    only_one="people answer once",
)
