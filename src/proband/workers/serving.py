"""The other end of `Processes`: a fresh interpreter that does one task after the other, and ends with its driver."""

import os
import signal
import struct
import threading
from queue import SimpleQueue
from typing import IO

from proband.workers.executor import carry_out, set_up

HEAD = struct.Struct(">QQ")  # number of the task, bytes that follow
SETUP = 0  # the number of the set-up


def send(pipe: IO[bytes], number: int, packed: bytes) -> None:
    """Write a task or a reply."""
    pipe.write(HEAD.pack(number, len(packed)))
    pipe.write(packed)
    pipe.flush()


def received(pipe: IO[bytes]) -> tuple[int, bytes] | None:
    """The next task or reply; None where the other end is gone, also in the middle of one."""
    head = pipe.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    number, size = HEAD.unpack(head)
    packed = pipe.read(size)
    return (number, packed) if len(packed) == size else None


def main() -> None:
    """Do what comes in on standard input, until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the driver winds down
    inward, outward = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    # What a task prints must not stand among the replies.
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    waiting: SimpleQueue[tuple[int, bytes]] = SimpleQueue()

    def listen() -> None:
        while (task := received(inward)) is not None:
            waiting.put(task)
        os._exit(0)  # in the middle of a task too: nobody waits for it any more

    threading.Thread(target=listen, daemon=True).start()
    number, packed = waiting.get()
    state, reply = set_up(packed)
    send(outward, number, reply)
    while True:
        number, packed = waiting.get()
        send(outward, number, carry_out(state, packed))
