"""Short addresses of engines, one file a scheme: ``smollm2``, ``openai:URL#MODEL``, ``scripted:uniform``."""

from proband.addresses.opening import SCHEMES, Scheme, engines, open_engine

__all__ = ["SCHEMES", "Scheme", "engines", "open_engine"]
