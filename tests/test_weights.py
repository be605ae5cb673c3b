"""Fetching models, against a hub on loopback that can misbehave: as a person does it, through
the command line in a process of its own (the hub's library reads its settings once)."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hub_server import COMMIT, Hub, HubServer
from tiny_gguf import write_tiny

from harness.models import hub, weights
from harness.models.download import room_for
from harness.models.registry import Origin, Row
from harness.types import Model, UserError

ROOT = Path(__file__).parent.parent


@dataclass
class Person:
    """Someone at a terminal: a folder with a models.toml, an empty cache, a hub to reach."""

    folder: Path
    hub: Hub
    url: str

    def types(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("HF_")}
        home = {"HF_HOME": str(self.folder / "hf"), "HARNESS_CACHE": str(self.folder / "cache")}
        return subprocess.run(
            [sys.executable, "-m", "harness", *command],
            cwd=self.folder,
            capture_output=True,
            text=True,
            env={**kept, **home, "HF_ENDPOINT": self.url, "PYTHONPATH": str(ROOT), **environment},
        )

    def pulls(self, name: str = "tiny-q4", **environment: str) -> str:
        done = self.types("models", "pull", name, **environment)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    def cannot_pull(self, name: str = "tiny-q4", **environment: str) -> str:
        """The error, which is one line."""
        done = self.types("models", "pull", name, **environment)
        assert done.returncode == 2 and "Traceback" not in done.stderr
        return done.stderr.strip().rpartition("\n")[2]

    def row(self, text: str) -> None:
        (self.folder / "models.toml").write_text(
            f'[tiny]\nparams = 0\nlicence = "Terms"\nnon_commercial = true\nq4 = {{ {text} }}\n'
        )


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write_tiny(tmp_path_factory.mktemp("tiny") / "tiny.gguf").read_bytes()


@pytest.fixture
def person(tmp_path: Path, data: bytes) -> Iterator[Person]:
    hub = Hub({"me/tiny/tiny.gguf": data, "plain/tiny.gguf": data})
    server = HubServer(hub)
    someone = Person(tmp_path, hub, server.url)
    someone.row('hf = "me/tiny", file = "tiny.gguf"')
    yield someone
    server.close()


def test_a_file_is_fetched_once_pinned_and_its_licence_said(person: Person) -> None:
    said = person.pulls()
    assert "licence: Terms, NOT for commercial use" in said and "MB" in said
    lock = json.loads((person.folder / "models.lock").read_text())
    assert lock["hf:me/tiny:tiny.gguf"]["revision"] == COMMIT
    person.hub.asked.clear()
    assert "fetching" not in person.pulls() and person.hub.asked == []
    person.pulls(HF_HUB_OFFLINE="1")
    listed = json.loads(person.types("models", "--json").stdout)
    assert [(row["name"], row["here"]) for row in listed] == [("tiny-q4", "yes")]
    assert {"name", "params", "bits", "engine"} <= set(listed[0])


def test_a_connection_that_breaks_is_taken_up_where_it_broke(person: Person, data: bytes) -> None:
    person.hub.break_after, person.hub.breaks = 100_000, 2
    person.pulls()
    assert person.hub.downloads() == ["", "bytes=100000-", "bytes=200000-"]


def test_a_download_that_was_killed_goes_on_in_the_next_process(
    person: Person, data: bytes
) -> None:
    blob = person.folder / "hf/hub/models--me--tiny/blobs" / hashlib.sha256(data).hexdigest()
    blob.parent.mkdir(parents=True)
    (blob.parent / f"{blob.name}.part").write_bytes(data[:50_000])
    person.pulls()
    assert person.hub.downloads() == ["bytes=50000-"] and blob.read_bytes() == data


def test_bytes_other_than_the_hub_names_are_refused_and_deleted(person: Person) -> None:
    person.hub.corrupt = True
    assert "does not have the hash that the hub names" in person.cannot_pull()
    assert not list(person.folder.glob("hf/hub/**/*.gguf"))
    person.hub.corrupt = False
    person.pulls()


def test_bytes_other_than_the_row_pins_are_refused_and_deleted(person: Person) -> None:
    person.row(f'hf = "me/tiny", file = "tiny.gguf", sha256 = "{"0" * 64}"')
    assert "as its row says; it was deleted" in person.cannot_pull()
    assert not list(person.folder.glob("hf/hub/**/*.gguf"))


def test_bytes_that_changed_since_the_first_use_are_refused(person: Person) -> None:
    person.pulls()
    (file,) = person.folder.glob("hf/hub/**/*.gguf")
    file.resolve().write_bytes(b"GGUF, but not what it was")
    said = person.cannot_pull()
    assert "models.lock" in said and "first use" in said


def test_a_mirror_that_is_not_there(person: Person) -> None:
    assert "cannot reach http://127.0.0.1:9" in person.cannot_pull(HF_ENDPOINT="http://127.0.0.1:9")


def test_offline_and_not_here(person: Person) -> None:
    assert "HF_HUB_OFFLINE forbids" in person.cannot_pull(HF_HUB_OFFLINE="1")
    assert person.hub.asked == []


def test_a_token_from_the_environment_opens_what_is_private(person: Person) -> None:
    person.hub.token = "secret"
    assert "it is private: then set HF_TOKEN" in person.cannot_pull()
    refused = person.cannot_pull(HF_TOKEN="wrong")
    assert "your token has no access" in refused and "wrong" not in refused
    assert "secret" not in person.pulls(HF_TOKEN="secret")


def test_terms_to_accept_first(person: Person) -> None:
    person.hub.gated = True
    said = person.cannot_pull()
    assert f"open {person.url}/me/tiny, agree, then set HF_TOKEN" in said


@pytest.mark.parametrize(
    ("status", "says"), [(403, "403: forbidden"), (429, "429: too many requests; wait")]
)
def test_refusals_are_explained(person: Person, status: int, says: str) -> None:
    person.hub.status = status
    assert says in person.cannot_pull()


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("hf:me/tiny:tinny.gguf", "no such file in the repository; did you mean tiny.gguf?"),
        ("hf:me/tiny@v9:tiny.gguf", "no such revision"),
        ("hf:me/nothing:tiny.gguf", "404: there is no such repository"),
        (
            "hf:me/tiny@nf4",
            "it has no config.json; to run one of its .gguf files: hf:me/tiny:tiny.gguf",
        ),
        ("hf:me/pickled", "has no *.safetensors, and pickled weights could run code"),
    ],
)
def test_what_is_not_there(person: Person, name: str, says: str) -> None:
    person.hub.files |= {"me/pickled/config.json": b"{}", "me/pickled/pytorch_model.bin": b""}
    assert says in person.cannot_pull(name)


def test_a_folder_is_fetched_without_code_and_pickles(person: Person) -> None:
    for name in (
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "pytorch_model.bin",
        "run.py",
        "onnx/a.json",
    ):
        person.hub.files[f"me/folder/{name}"] = name.encode()
    person.pulls("hf:me/folder@int8")
    found = sorted(
        path.name
        for path in next(person.folder.glob("hf/hub/models--me--folder/snapshots/*")).iterdir()
    )
    assert found == ["config.json", "model.safetensors", "tokenizer.json"]
    assert "fetching" not in person.pulls("hf:me/folder@nf4")


def test_all_parts_of_a_split_model_come(person: Person, tmp_path: Path) -> None:
    write_tiny(tmp_path / "s.gguf", split=8)
    parts = sorted(tmp_path.glob("s-0*.gguf"))
    assert len(parts) > 1
    for part in parts:
        person.hub.files[f"me/split/{part.name}"] = part.read_bytes()
    assert parts[0].name in person.pulls(f"hf:me/split:{parts[0].name}")
    assert len(person.hub.downloads()) == len(parts)


def test_a_plain_address_is_checked_by_what_its_row_has(person: Person, data: bytes) -> None:
    md5 = hashlib.md5(data).hexdigest()
    person.row(f'url = "{person.url}/plain/tiny.gguf", bytes = {len(data)}, md5 = "{md5}"')
    person.hub.break_after, person.hub.breaks = 100_000, 1
    person.pulls()
    assert person.hub.downloads() == ["", "bytes=100000-"]
    person.row(f'url = "{person.url}/plain/tiny.gguf", md5 = "{"0" * 32}"')
    (person.folder / "cache").rename(person.folder / "old")
    assert "its md5 is" in person.cannot_pull()


def test_two_files_of_one_name_are_two_files(person: Person, data: bytes) -> None:
    """Many repositories have a ggml-model-q4_0.gguf; so may one address with another query."""
    other = data + bytes(32)
    person.hub.files |= {"plain/A/m.gguf": data, "plain/B/m.gguf": other}
    found = []
    for place in ("A/m.gguf", "B/m.gguf"):
        (person.folder / "models.toml").write_text(
            f'[m]\nparams = 0\nlicence = "x"\nq4 = {{ url = "{person.url}/plain/{place}" }}\n'
        )
        assert "fetching" in person.pulls("m-q4")
        found = sorted(
            person.folder.glob("cache/weights/**/m.gguf"), key=lambda p: p.stat().st_size
        )
    assert [path.read_bytes() for path in found] == [data, other]
    paths = {hub.url_path(f"http://h/m.gguf{more}") for more in ("", "?a", "?b")}
    assert len(paths) == 3


@pytest.mark.parametrize("if_range", [True, False])
@pytest.mark.parametrize("tags", [True, False])
@pytest.mark.parametrize("killed", [True, False])
def test_a_file_replaced_while_it_came_is_begun_again(
    person: Person, data: bytes, if_range: bool, tags: bool, killed: bool
) -> None:
    """Half of each would be accepted: same size, other bytes."""
    new = data[:-1] + bytes([data[-1] ^ 255])
    person.row(f'url = "{person.url}/plain/tiny.gguf"')
    person.hub.if_range, person.hub.tags = if_range, tags
    person.hub.break_after, person.hub.breaks = 100_000, 1
    person.hub.replace_with = new
    if killed:
        person.hub.status_after = 503
        assert "503" in person.cannot_pull()
        person.hub.status = 0
    person.pulls()
    (file,) = person.folder.glob("cache/weights/**/tiny.gguf")
    assert file.read_bytes() == new
    assert not list(file.parent.glob("*.part*"))


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("ALL_PROXY", "socks5://127.0.0.1:9", "ALL_PROXY names a SOCKS proxy"),
        ("https_proxy", "gopher://127.0.0.1:9", "https_proxy: not the address of a proxy"),
        ("HTTP_PROXY", "http://127.0.0.1:port", "HTTP_PROXY: not the address of a proxy"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_named(
    person: Person, variable: str, value: str, says: str
) -> None:
    if "socks" in value and importlib.util.find_spec("socksio"):
        pytest.skip("the package for SOCKS proxies is installed")
    assert says in person.cannot_pull(**{variable: value})


@pytest.mark.parametrize("hosts", ["[::1]", "[::1]:8080,127.0.0.1", "fd00::/8", "é,,localhost"])
def test_hosts_without_a_proxy_are_read_however_they_are_written(
    person: Person, hosts: str
) -> None:
    person.pulls(NO_PROXY=f"{hosts},127.0.0.1", ALL_PROXY="http://127.0.0.1:9")


def test_the_first_run_fetches_and_the_record_names_where_from(
    person: Person, suite_folder: Path
) -> None:
    done = person.types(
        "run",
        "--model",
        "tiny-q4",
        "--suite",
        str(suite_folder),
        "--limit",
        "1",
        "--step-tokens",
        "4",
        "--max-steps",
        "1",
        "--slots",
        "1",
        "--json",
    )
    assert "fetching tiny-q4" in done.stderr and done.returncode == 0, done.stderr
    assert "warning: tiny-q4: its row says 4 bits, the file is F32: 32 bits" in done.stderr
    (manifest,) = (
        json.loads(path.read_text()) for path in person.folder.glob("runs/*/manifest.json")
    )
    assert manifest["origin"] == f"hf:me/tiny@{COMMIT}:tiny.gguf"
    assert manifest["config"]["model"]["identity"] == manifest["engine"]["file_sha256"]
    assert any("4 bits" in line for line in manifest["warnings"])


def test_a_bad_file_says_why_before_anything_runs(person: Person, suite_folder: Path) -> None:
    (person.folder / "old.bin").write_bytes(b"lmgg" + bytes(100))
    done = person.types("run", "--model", "old.bin", "--suite", str(suite_folder))
    assert done.returncode == 2 and "an old ggml file" in done.stderr
    assert not (person.folder / "runs").exists()


def test_a_disk_too_small_is_said_before_anything_is_fetched(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="too small"):
        room_for(tmp_path / "not yet there", 10**18)


def test_a_damaged_lock_is_the_users_to_mend(tmp_path: Path) -> None:
    lock = tmp_path / "models.lock"
    lock.write_text("{")
    row = Row(Model("a", "llama_cpp", "hf:me/a:a.gguf"), Origin("me/a", "a.gguf"))
    with pytest.raises(UserError, match="mend or delete it"):
        weights.local_path(row, lock)
