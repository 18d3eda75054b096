"""Where a server's key comes from, and how it is kept out of everything that is written."""

import os
import re
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec

from proband.errors import EngineError

KEY_VARIABLES = ("PROBAND_API_KEY", "OPENAI_API_KEY")
SERVICE = "proband"  # the keyring's entry is ("proband", HOST)

_PASSWORD = re.compile(r"(//)[^/@\s]+@")


@dataclass(frozen=True, slots=True)
class Key:
    """A key and where it was found; `value` is empty where there is none."""

    value: str = field(default="", repr=False)
    source: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """What is sent with every call."""
        return {"Authorization": f"Bearer {self.value}"} if self.value else {}

    @property
    def blame(self) -> str:
        """What a refusal is about, without the key."""
        return f"the key in {self.source}" if self.source else f"no key; set {' or '.join(KEY_VARIABLES)}"

    def clean(self, text: str) -> str:
        """Text without the key, which some servers and proxies repeat, and without a proxy's password."""
        return _PASSWORD.sub(r"\1", text.replace(self.value, "[key]") if self.value else text)

    def cleaned(self, raw: bytes) -> bytes:
        """A reply without the key; nothing that is read later can then hold it."""
        key = self.value.encode()
        return raw.replace(key, b"[key]") if key and key in raw else raw


def find_key(host: str, *, is_private: bool) -> Key:
    """The key for a host: PROBAND_API_KEY, else OPENAI_API_KEY, else the keyring's entry for the host.

    `is_private` says whether nobody can listen: https, or this machine. The provider's own key is sent to nobody over
    an open line. A key that cannot be sent as it is raises `EngineError`.
    """
    names = KEY_VARIABLES if is_private else KEY_VARIABLES[:1]
    found = (Key(value, name) for name in names if (value := os.environ.get(name, "").strip()))
    key = next(found, None) or Key(_from_keyring(host), f"the keyring, service {SERVICE}, user {host}")
    if not key.value:
        return Key()
    if not (key.value.isascii() and key.value.isprintable()) or " " in key.value:
        raise EngineError(f"{key.blame} holds blanks or characters that no key has; set it again")
    return key


def _from_keyring(host: str) -> str:
    """The keyring's entry; empty where the package `keyring`, a keyring or the entry is missing."""
    if find_spec("keyring") is None:
        return ""
    # Optional, and slow to import: only where no variable is set.
    keyring, errors = import_module("keyring"), import_module("keyring.errors")
    try:
        return str(keyring.get_password(SERVICE, host) or "").strip()
    except errors.KeyringError:
        return ""
