"""Ed25519 signatures by the hundred thousand, on several cores.

Verifying signatures is nearly all of an audit's work. Threads do not share it well: libsodium works without the
interpreter's lock, but a verification is so short (some 50 µs) that threads spend as much on passing the lock as on
verifying. So other processes verify, and this one parses and folds.

A process here is this very file, run by the same interpreter. It imports libsodium and nothing else, so it starts in
some tens of milliseconds; it gets bytes and answers with bytes (nothing is unpickled, and the main program is not
imported again, as it would be with `multiprocessing`):

    question    u32 count, then for each signature: key (32 bytes), u32 length, signature ‖ message
    answer      for each signature one byte: 1 it verifies, 0 it does not

Big endian; the end of input ends the process. Each has its next question waiting while it answers one: whoever asks
needs this interpreter's lock, and may wait for it half as long as an answer takes, since the entries are folded here.
libsodium's verdict is the strict one of `ledger.tlog.note`: whoever wants the reason of a refusal asks there. When a
process cannot be started, or dies, the signatures are verified here: slower, and with the same verdicts.
"""

import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from threading import Lock
from typing import BinaryIO, NamedTuple

from nacl.bindings import crypto_sign_open
from nacl.exceptions import BadSignatureError

_LENGTH = 4


class Signed(NamedTuple):
    """A signature to be verified: the key (32 bytes), and the signature (64 bytes) with the message behind it."""

    key: bytes
    signature_and_message: bytes


def verdicts(signed: Sequence[Signed]) -> bytes:
    """For each signature 1 or 0, verified in this process."""
    answer = bytearray(len(signed))
    for at, (key, signature_and_message) in enumerate(signed):
        try:
            crypto_sign_open(signature_and_message, key)
        except (BadSignatureError, ValueError):
            continue
        answer[at] = 1
    return bytes(answer)


class Verifiers:
    """Processes that verify, `processes` of them (0 is allowed: then all is done here). Close it, or use `with`."""

    def __init__(self, processes: int) -> None:
        self.running: list[subprocess.Popen[bytes]] = []
        self._free: SimpleQueue[_Line | None] = SimpleQueue()
        for _ in range(processes):
            try:
                process = _start()
            except OSError:
                break
            self.running.append(process)
        # Two threads for each process, which only write, wait and read.
        for line in [_Line(process) for process in self.running] * 2:
            self._free.put(line)
        self._pool = ThreadPoolExecutor(2 * len(self.running), "signatures") if self.running else None

    def __enter__(self) -> "Verifiers":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def submit(self, signed: Sequence[Signed]) -> "Future[bytes] | None":
        """Have these verified elsewhere; None where there is no process to do it."""
        return self._pool.submit(self._ask, signed) if self._pool else None

    def _ask(self, signed: Sequence[Signed]) -> bytes:
        line = self._free.get()
        try:
            if line is not None:
                return line.ask(signed)
        except (OSError, ValueError):
            # It died: nothing was learned about these signatures, and its place stays empty.
            line = None
        finally:
            self._free.put(line)
        return verdicts(signed)

    def close(self) -> None:
        """End the processes; what is still waiting is dropped."""
        if self._pool:
            self._pool.shutdown(wait=True, cancel_futures=True)
        for process in self.running:
            try:
                process.communicate()
            except (OSError, ValueError):
                process.kill()
                process.wait()
        self.running.clear()


def _start() -> subprocess.Popen[bytes]:
    # -P keeps this file's folder off the path: its neighbours are not top-level modules.
    command = [sys.executable, "-P", __file__]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


class _Line:
    """The way to a process, for two threads: the one may ask while the other waits for its answer."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._asking = Lock()
        self._answering = Lock()
        self._broken = False

    def ask(self, signed: Sequence[Signed]) -> bytes:
        """The process's answer. Raises OSError or ValueError where there is none, and ever after."""
        questions, answers = self._process.stdin, self._process.stdout
        if questions is None or answers is None:
            raise ValueError("a process without pipes")
        question = _question(signed)
        self._asking.acquire()
        try:
            questions.write(question)
            questions.flush()
            # Taken before the next may ask: answers come in the order of the questions.
            self._answering.acquire()
        finally:
            self._asking.release()
        try:
            answer = b"" if self._broken else answers.read(len(signed))
            if len(answer) != len(signed) or answer.strip(b"\x00\x01"):
                # Whose answer comes next cannot be known any more.
                self._broken = True
                raise ValueError("no answer")
        finally:
            self._answering.release()
        return answer


def _question(signed: Sequence[Signed]) -> bytes:
    parts = [len(signed).to_bytes(_LENGTH, "big")]
    for key, signature_and_message in signed:
        parts += (key, len(signature_and_message).to_bytes(_LENGTH, "big"), signature_and_message)
    return b"".join(parts)


def _serve(questions: BinaryIO, answers: BinaryIO) -> None:
    """What the process does until its input ends."""
    while count := questions.read(_LENGTH):
        signed: list[Signed] = []
        for _ in range(int.from_bytes(count, "big")):
            key = questions.read(32)
            signed.append(Signed(key, questions.read(int.from_bytes(questions.read(_LENGTH), "big"))))
        answers.write(verdicts(signed))
        answers.flush()


if __name__ == "__main__":
    _serve(sys.stdin.buffer, sys.stdout.buffer)
