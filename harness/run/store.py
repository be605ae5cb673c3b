"""A run on disk: runs/<when>-<model>-<suite>/manifest.json and episodes.jsonl.

One finished episode a line, with its length and checksum, flushed and synced before it
counts as done. A torn last line is dropped on read and cut off before the next append.
docs/records.md describes the format.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import typing
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from harness.common.files import locked, sync_folder, write_whole
from harness.common.records import rebuild, slim
from harness.types import UNSCORED, Episode, EpisodeKey, UserError

RUNS_DIR = Path("runs")  # where runs lie unless --runs-dir names another place
RUN_FORMAT = 2
_READABLE = (1, 2)  # formats; harness/run/identity.py says what format 1 left out
MANIFEST, EPISODES = "manifest.json", "episodes.jsonl"
TASKS_FILE = "tasks.jsonl"  # the suite as it was, so that a run can be scored for ever


class Run:
    """One run folder. Open for reading by anyone, for appending by one process at a time."""

    def __init__(self, path: Path, manifest: dict[str, Any]) -> None:
        self.path = path
        self.manifest = manifest

    @classmethod
    def create(cls, runs_dir: Path, name: str, manifest: dict[str, Any]) -> Run:
        """A new folder with its manifest. Raises UserError when it cannot be written."""
        stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        safe = re.sub(r"[^A-Za-z0-9._-]+", "_", name)[:80]
        try:
            runs_dir.mkdir(parents=True, exist_ok=True)
            path = _fresh_folder(runs_dir, f"{stamp}-{safe}")
            run = cls(path, {"format": RUN_FORMAT, "created": stamp, **manifest})
            run.save_manifest()
        except OSError as error:
            raise UserError(
                f"{runs_dir}: cannot write the run there: {error.strerror}; choose another with "
                "--runs-dir"
            ) from None
        return run

    @classmethod
    def open(cls, path: Path) -> Run:
        """A run folder as it is. Raises UserError when there is none or it is damaged."""
        try:
            manifest = json.loads((path / MANIFEST).read_text("utf-8"))
            if not isinstance(manifest, dict) or manifest.get("format") not in _READABLE:
                raise ValueError(f"expected format {' or '.join(map(str, _READABLE))}")
        except FileNotFoundError:
            raise UserError(
                f"{path}: not a run folder (no {MANIFEST}); runs lie under {RUNS_DIR}/"
            ) from None
        except (OSError, ValueError) as error:
            raise UserError(f"{path / MANIFEST}: cannot be read: {error}") from None
        return cls(path, manifest)

    def save_manifest(self) -> None:
        """Write the manifest so that a crash leaves the old one or the new one."""
        self.keep(MANIFEST, json.dumps(self.manifest, indent=1, sort_keys=True) + "\n")

    def keep(self, name: str, text: str) -> None:
        """Write a file of the run whole or not at all."""
        write_whole(self.path / name, text)

    def episodes(self) -> list[Episode]:
        """Finished episodes, in the order in which they were first finished; where an
        unscored one was run again, the later one."""
        found: dict[EpisodeKey, Episode] = {}
        for line in _whole_lines(self.path / EPISODES):
            episode = decode_episode(line)
            if episode:
                found[episode.task_id, episode.trial] = episode
        return list(found.values())

    def done(self) -> set[EpisodeKey]:
        """What need not be run again: every episode that counts."""
        return {(e.task_id, e.trial) for e in self.episodes() if e.status not in UNSCORED}

    @contextlib.contextmanager
    def writer(self) -> Iterator[Writer]:
        """Append under a lock. Raises UserError when another process holds it."""
        with locked(self.path / ".lock") as alone:
            if not alone:
                raise UserError(
                    f"{self.path}: another process is writing this run; wait for it or stop it"
                )
            with open(self.path / EPISODES, "ab") as file:
                _cut_torn_tail(self.path / EPISODES)
                sync_folder(self.path)
                yield Writer(file, self.path)


class Writer:
    """Appends episodes; each is on the disk when ``append`` returns."""

    def __init__(self, file: IO[bytes], path: Path) -> None:
        self._file = file
        self._path = path

    def append(self, episode: Episode) -> None:
        """Raises UserError when the disk refuses; what was written before stays whole."""
        try:
            self._file.write(encode_episode(episode))
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise UserError(
                f"{self._path / EPISODES}: cannot write: {error.strerror}; make room and give the "
                "same command again: the finished episodes are kept"
            ) from None


def find_runs(runs_dir: Path) -> list[Run]:
    """All readable runs under a folder, oldest first."""
    runs = []
    for path in sorted(runs_dir.glob(f"*/{MANIFEST}")):
        with contextlib.suppress(UserError):
            runs.append(Run.open(path.parent))
    return runs


def encode_episode(episode: Episode) -> bytes:
    """One line: length and CRC-32 of the episode's JSON bytes, then the JSON."""
    try:
        body = json.dumps(slim(episode), ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:  # a lone surrogate from somebody's JSON
        body = json.dumps(slim(episode)).encode("ascii")
    return b'{"length": %d, "crc32": "%08x", "episode": %b}\n' % (len(body), zlib.crc32(body), body)


def decode_episode(line: bytes) -> Episode | None:
    """The episode of one line; None when the line is torn or damaged."""
    head, found, rest = line.partition(b', "episode": ')
    body = rest[:-1]
    if not found or head != b'{"length": %d, "crc32": "%08x"' % (len(body), zlib.crc32(body)):
        return None
    return typing.cast(Episode, rebuild(Episode, json.loads(body)))


def _whole_lines(path: Path) -> Iterator[bytes]:
    with contextlib.suppress(FileNotFoundError), open(path, "rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield line[:-1]


def _cut_torn_tail(path: Path) -> None:
    """Drop a last line that was never finished, so that the next append begins a line."""
    with open(path, "rb+") as file:
        data = file.read()
        if data and not data.endswith(b"\n"):
            file.truncate(data.rfind(b"\n") + 1)
            os.fsync(file.fileno())


def _fresh_folder(runs_dir: Path, name: str) -> Path:
    for suffix in ("", *(f"-{i}" for i in range(2, 1000))):
        with contextlib.suppress(FileExistsError):
            (runs_dir / (name + suffix)).mkdir()
            return runs_dir / (name + suffix)
    raise FileExistsError(17, "too many runs began in this second")
