"""``scripted:RULE``: rules and stated distributions with known biases."""

from proband.addresses.opening import Scheme
from proband.models.scripted import scripted_engine

SCHEME = Scheme(
    pattern="scripted:NAME?KEY=VALUE&...",
    about="rules and stated distributions with known biases, e.g. scripted:uniform?seed=1",
    open=scripted_engine,
    paths=frozenset({"file"}),
)
