"""Damage valid files until a reader does what it must not: ``python scripts/fuzz.py READER --minutes 10``.

A reader has to give a valid object, or one clear :class:`InputError` that names the file; anything else
is a finding: another exception, more than ``--seconds`` of work, more than ``--memory`` MiB. The first file
of each kind of finding is written to ``--out``, and the exit status is 1 in the end. ``all`` fuzzes each
reader in turn.

Files that make the reader take a new way through qnnt are damaged further. atheris does that if it is
installed; otherwise (or with ``--plain``) the mutator of ``fuzz_mutations.py`` does, and a trace function
watches the lines.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

os.environ.setdefault("QNNT_MOST_MIB", "16")
SEEDS = Path(__file__).parent.parent / "tests" / "files" / "seeds"


class Slow(BaseException):
    """The reader took too long."""


class Fuzzing:
    """One reader under watch."""

    def __init__(self, name: str, folder: Path, seconds: int, out: Path) -> None:
        import fuzz_readers

        self.reader = fuzz_readers.readers(folder)[name]
        kept = sorted((SEEDS / name).iterdir()) if (SEEDS / name).is_dir() else []
        self.corpus = [*self.reader.seeds, *(path.read_bytes() for path in kept)]
        self.name, self.runs, self.findings = name, 0, set[tuple[Any, ...]]()
        self._expect_read, self._seconds, self._out = fuzz_readers.expect_read, seconds, out
        self._path = folder / f"file{self.reader.suffix}"
        signal.signal(signal.SIGALRM, self._late)

    def _late(self, *_: Any) -> None:
        raise Slow(f"more than {self._seconds} seconds")

    def run(self, data: bytes) -> None:
        """Read one file; a finding is written, if it is the first of its kind."""
        self.runs += 1
        warnings.simplefilter("error")  # a warning is no clear error
        self._path.write_bytes(data)
        signal.alarm(self._seconds)
        try:
            self._expect_read(self.reader, self._path)
        except BaseException as error:
            signal.alarm(0)
            if isinstance(error, KeyboardInterrupt):
                raise
            where = traceback.extract_tb(error.__traceback__)[-1]
            if (kind := (type(error).__name__, where.filename, where.lineno)) not in self.findings:
                self.findings.add(kind)
                self._tell(data, error)
        finally:
            signal.alarm(0)

    def _tell(self, data: bytes, error: BaseException) -> None:
        self._out.mkdir(parents=True, exist_ok=True)
        file = self._out / f"{self.name}-{hashlib.sha256(data).hexdigest()[:12]}{self.reader.suffix}"
        file.write_bytes(data)
        traceback.print_exception(error)
        print(f"FINDING {self.name}: {type(error).__name__} on {file}", file=sys.stderr)


class Lines:
    """The pairs of successive lines of qnnt that ran: whether a run took a new way."""

    def __init__(self) -> None:
        self._known: set[tuple[str, int, int]] = set()
        self._new = False

    def watch(self, call: Callable[[], None]) -> bool:
        """Whether the call went a way that no call before went."""
        self._new = False
        sys.settrace(self._enter)
        try:
            call()
        finally:
            sys.settrace(None)
        return self._new

    def _enter(self, frame: FrameType, _event: str, _: Any) -> Any:
        name, before = frame.f_code.co_filename, 0
        if "/qnnt/" not in name:
            return None

        def step(frame: FrameType, event: str, _: Any) -> Any:
            nonlocal before
            if event == "line":
                way = name, before, frame.f_lineno
                if way not in self._known:
                    self._known.add(way)
                    self._new = True
                before = frame.f_lineno
            return step

        return step

    def __len__(self) -> int:
        return len(self._known)


def with_own_mutator(fuzzing: Fuzzing, minutes: float, seed: int) -> None:
    """Until the time is over."""
    from fuzz_mutations import damaged

    chance, lines, end = random.Random(seed), Lines(), time.monotonic() + 60 * minutes
    corpus = list(fuzzing.corpus)
    for data in corpus:
        lines.watch(lambda data=data: fuzzing.run(data))
    while time.monotonic() < end:
        data = damaged(chance.choice(corpus), chance.choice(corpus), chance, packed=fuzzing.reader.packed)
        data = data[: 1 << 16]
        if lines.watch(lambda data=data: fuzzing.run(data)):
            corpus.append(data)
    print(
        f"{fuzzing.name}: {fuzzing.runs:,} files, {len(lines):,} pairs of lines, {len(corpus)} kept, "
        f"{len(fuzzing.findings)} findings"
    )


def with_atheris(fuzzing: Fuzzing, minutes: float, memory: int, seed: int, folder: Path) -> None:
    """Until the time is over; atheris ends the process at the first finding, or if it has too much memory."""
    import atheris

    def run(data: bytes) -> None:
        fuzzing.run(data)
        if fuzzing.findings:
            raise RuntimeError("a finding")

    corpus = folder / "corpus"
    corpus.mkdir()
    for i, data in enumerate(fuzzing.corpus):
        (corpus / str(i)).write_bytes(data)
    options = [
        f"-max_total_time={round(60 * minutes)}",
        f"-seed={seed + 1}",
        f"-rss_limit_mb={memory}",
        "-max_len=65536",
        "-verbosity=0",
    ]
    atheris.Setup(
        [sys.argv[0], *options, "-print_final_stats=1", f"-artifact_prefix={folder}/", str(corpus)],
        run,
    )
    atheris.Fuzz()


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("reader", help="the reader, or all; an unknown one lists them")
    parser.add_argument("--minutes", type=float, default=1.0, help="for each reader (default 1)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=int, default=20, help="that one file may take (default 20)")
    parser.add_argument(
        "--memory", type=int, default=2048, help="MiB that the process may have (default 2048)"
    )
    parser.add_argument("--out", type=Path, default=Path("findings"), help="folder for findings")
    parser.add_argument("--plain", action="store_true", help="without atheris")
    asked = parser.parse_args()
    sys.path.insert(0, str(Path(__file__).parent))
    guided = not asked.plain and importlib.util.find_spec("atheris") is not None
    if guided:
        import atheris

        with atheris.instrument_imports(include=["qnnt"]):
            import fuzz_readers
    else:
        import fuzz_readers
    with tempfile.TemporaryDirectory(prefix="fuzz-") as place:
        names = list(fuzz_readers.readers(Path(place)))
        if asked.reader == "all":
            rest = [word for word in sys.argv[1:] if word != "all"]
            codes = [
                subprocess.run([sys.executable, __file__, name, *rest], check=False).returncode
                for name in names
            ]
            return int(any(codes))  # a negative one is a signal: the reader ended its process
        if asked.reader not in names:
            parser.error(f"no reader {asked.reader!r}; there are: {', '.join(names)}")
        fuzzing = Fuzzing(asked.reader, Path(place), asked.seconds, asked.out)
        if not guided:
            resource.setrlimit(resource.RLIMIT_AS, (asked.memory << 20,) * 2)
        if guided:
            with_atheris(fuzzing, asked.minutes, asked.memory, asked.seed, Path(place))
        else:
            with_own_mutator(fuzzing, asked.minutes, asked.seed)
    return 1 if fuzzing.findings else 0


if __name__ == "__main__":
    sys.exit(main())
