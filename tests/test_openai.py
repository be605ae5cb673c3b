"""The OpenAI-compatible engine against servers on this machine: a good one, a faulty one,
and llama.cpp's own."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest
from engine_contract import OPENINGS, PREFIX, EngineContract, OpenEngine, ask, complete, drive

from harness.common.clock import awake
from harness.engines import create
from harness.types import Completion, EngineSettings, Model, Piece, UserError

pytest.importorskip("httpx")

CANARY = "sk-canary-7f3a91"
WORDS = [
    " the",
    " a",
    " town",
    "\n",
    "Thought:",
    " 12",
    "\nObs",
    "ervation:",
    ".",
    " of",
    " river",
    "é",
    " 富士",
    " who",
    " is",
    " x",
]


def next_word(text: str, seed: object) -> str:
    """A language model: each word follows from all the text before it."""
    digest = hashlib.sha256(f"{seed}|{text}".encode()).digest()
    return WORDS[digest[0] % len(WORDS)]


class Handler(BaseHTTPRequestHandler):
    """Completes prompts; does what ``FAULT name`` in a prompt says instead."""

    server: Server
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: object) -> None:
        pass

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.bodies.append(body)
        self.server.keys.append(self.headers.get("authorization", ""))
        chat = self.path.endswith("/chat/completions")
        prompt = body["messages"][-1]["content"] if chat else body["prompt"]
        _, _, fault = prompt.rpartition("FAULT ")
        name = fault.split()[0] if fault != prompt else ""
        self.chat = chat
        method = getattr(self, f"fault_{name.replace('-', '_')}", None)
        method(body) if method else self.generate(body, prompt)

    # --- a good answer

    def words(self, body: dict[str, Any], prompt: str) -> Iterator[str]:
        seed = body["seed"] if body["temperature"] else 0
        text = prompt
        for _ in range(body["max_tokens"]):
            word = next_word(text, seed)
            text += word
            yield word

    def generate(self, body: dict[str, Any], prompt: str) -> None:
        words = list(self.words(body, prompt))
        usage = {"prompt_tokens": max(1, len(prompt) // 4), "completion_tokens": len(words)}
        if not body["stream"]:
            return self.answer(200, {**self.chunk("".join(words), "length"), "usage": usage})
        self.begin_stream()
        for word in words:
            self.send(self.chunk(word))
        self.send(self.chunk("", "length"))
        self.send({"choices": [], "usage": usage})
        self.end_stream()

    def chunk(self, text: str, reason: str | None = None, **more: object) -> dict[str, Any]:
        key = "delta" if self.headers["content-type"] and self.server.streams else "message"
        shown: dict[str, Any] = {key: {"content": text}} if self.chat else {"text": text}
        choice = {"index": 0, **shown, "finish_reason": reason, **more}
        return {"model": "served", "choices": [choice]}

    def answer(self, status: int, data: object, **headers: str) -> None:
        raw = data if isinstance(data, bytes) else json.dumps(data).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(raw)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(raw)

    def begin_stream(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream; charset=utf-8")
        self.send_header("connection", "close")
        self.end_headers()
        self.close_connection = True

    def send(self, data: object) -> None:
        with contextlib.suppress(OSError):  # the harness has heard enough
            self.wfile.write(b"data: " + json.dumps(data).encode() + b"\n\n")

    def end_stream(self) -> None:
        with contextlib.suppress(OSError):
            self.wfile.write(b"data: [DONE]\n\n")

    # --- faults

    def fault_busy_once(self, body: dict[str, Any]) -> None:
        if self.server.first("busy-once"):
            return self.answer(429, {"error": {"message": "slow down"}}, retry_after="0.2")
        self.generate(body, body["prompt"])

    def fault_busy(self, body: dict[str, Any]) -> None:
        self.answer(429, {"error": {"message": "rate limit"}}, retry_after="0")

    def fault_busy_long(self, body: dict[str, Any]) -> None:
        self.answer(429, {"error": "quota"}, retry_after="86400")

    def fault_busy_until(self, body: dict[str, Any]) -> None:
        self.answer(503, b"", retry_after="Fri, 31 Dec 2099 23:59:59 GMT")

    def fault_broken(self, body: dict[str, Any]) -> None:
        self.answer(500, b"<html>oops</html>")

    def fault_hang(self, body: dict[str, Any]) -> None:
        self.server.closing.wait(30)

    def fault_stall(self, body: dict[str, Any]) -> None:
        self.begin_stream()
        self.send(self.chunk(" some"))
        self.server.closing.wait(30)

    def fault_drip(self, body: dict[str, Any]) -> None:
        self.begin_stream()
        while not self.server.closing.wait(0.05):
            try:
                self.wfile.write(b": still here\n\n")
            except OSError:
                return

    def fault_slow(self, body: dict[str, Any]) -> None:
        self.begin_stream()
        for _ in range(600):
            self.send(self.chunk(" w"))
            if self.server.closing.wait(0.05):
                return

    def fault_cut(self, body: dict[str, Any]) -> None:
        self.begin_stream()
        self.send(self.chunk(" half"))
        self.wfile.write(b'data: {"choices": [{"te')

    def fault_cut_body(self, body: dict[str, Any]) -> None:
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", "1000")
        self.end_headers()
        self.wfile.write(b'{"choices": ')
        self.close_connection = True

    def fault_not_json(self, body: dict[str, Any]) -> None:
        self.begin_stream()
        self.wfile.write(b"data: {nonsense\n\n")

    def fault_html(self, body: dict[str, Any]) -> None:
        self.answer(200, b"<html>welcome</html>")

    def fault_shape(self, body: dict[str, Any]) -> None:
        self.answer(200, {"choices": [{"text": {"not": "text"}}]})

    def fault_list(self, body: dict[str, Any]) -> None:
        self.answer(200, [1, 2, 3])

    def fault_reported(self, body: dict[str, Any]) -> None:
        self.begin_stream()
        self.send({"error": {"message": "CUDA error"}})

    def fault_filter(self, body: dict[str, Any]) -> None:
        self.answer(200, self.chunk("", "content_filter"))

    def fault_moved(self, body: dict[str, Any]) -> None:
        self.answer(302, b"", location="http://127.0.0.1:9/elsewhere")

    def fault_huge(self, body: dict[str, Any]) -> None:
        self.begin_stream()
        with contextlib.suppress(OSError):
            for _ in range(64):
                self.wfile.write(b"x" * (1 << 18))

    def fault_key(self, body: dict[str, Any]) -> None:
        told = {"error": {"message": f"wrong key {self.headers.get('authorization')}"}}
        self.answer(401, told)

    def fault_echo_key(self, body: dict[str, Any]) -> None:
        self.answer(200, self.chunk(f" your key is {self.headers['authorization']}", "stop"))

    def fault_long(self, body: dict[str, Any]) -> None:
        self.answer(400, {"error": {"message": "too long", "code": "context_length_exceeded"}})

    def fault_missing(self, body: dict[str, Any]) -> None:
        self.answer(404, {"error": {"message": "no model of that name"}})

    # --- habits

    def fault_ends(self, body: dict[str, Any]) -> None:
        self.answer(200, {**self.chunk(" done.", "stop"), "usage": {"completion_tokens": 3}})

    def fault_tells(self, body: dict[str, Any]) -> None:
        self.answer(200, self.chunk(" done.", "stop", stop_reason="\nObservation:"))

    def fault_tells_end(self, body: dict[str, Any]) -> None:
        self.answer(200, self.chunk(" done.", "stop", stop_reason=None))

    def fault_runs_on(self, body: dict[str, Any]) -> None:
        self.answer(200, self.chunk(" done.\nObservation: 7\nThought: so", "stop"))

    def fault_endless(self, body: dict[str, Any]) -> None:
        self.begin_stream()
        for _ in range(5000):
            self.send(self.chunk(" and"))

    def fault_thinks(self, body: dict[str, Any]) -> None:
        self.begin_stream()
        thought = {"choices": [{"delta": {"reasoning_content": "Observation: hm"}}]}
        self.send(thought)
        self.send(self.chunk(" so", "stop"))
        self.end_stream()


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.bodies: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.closing = threading.Event()
        self.streams = True
        self.seen: set[str] = set()
        self.url = f"http://127.0.0.1:{self.server_port}/v1"

    def first(self, name: str) -> bool:
        new = name not in self.seen
        self.seen.add(name)
        return new


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    made = Server()
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.closing.set()
    made.shutdown()
    made.server_close()


def model(url: str, **options: object) -> Model:
    return Model("remote", "openai", url, options=options)


@pytest.fixture
def opened(server: Server) -> Iterator[Callable[..., Any]]:
    engines: list[Any] = []

    def open_it(settings: EngineSettings | None = None, **options: object) -> Any:
        engine = create(model(server.url, **options), settings or EngineSettings(slots=32))
        engine.start(PREFIX)
        engines.append(engine)
        return engine

    yield open_it
    for engine in engines:
        engine.close()


class Contract(EngineContract):
    """What every engine must do. Histories are text, and the server's model reads text."""

    continues = False
    options: ClassVar[dict[str, object]] = {}

    @pytest.fixture
    def open_engine(self, server: Server) -> OpenEngine:
        return lambda settings: create(model(server.url, **self.options), settings)


class TestStreamed(Contract):
    pass


class TestWhole(Contract):
    options: ClassVar[dict[str, object]] = {"stream": False}


class TestChat(Contract):
    options: ClassVar[dict[str, object]] = {"api": "chat"}


# --- faults

FAULTS = {
    "busy": "429: rate limit",
    "busy-long": "429: quota",
    "busy-until": "503",
    "broken": "500: <html>oops</html>",
    "hang": "sent nothing for",
    "stall": "sent nothing for",
    "cut": "broke",
    "cut-body": "broke",
    "not-json": "not JSON",
    "html": "not JSON",
    "shape": "no string",
    "list": "reported",
    "reported": "CUDA error",
    "filter": "content_filter",
    "moved": "302",
    "huge": "1 MiB",
    "key": "refused the key",
    "missing": "no such address or model",
}


def test_each_fault_ends_its_own_episode_and_no_other(
    opened: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    engine = opened(timeout=1.5)
    requests = {name: ask(f" FAULT {name} ") for name in FAULTS}
    requests |= {f"good {i}": ask(OPENINGS[i]) for i in range(4)}
    done = drive(engine, requests)
    for name, says in FAULTS.items():
        completion = done[name]
        assert completion.finish == "error" and says in completion.error, (name, completion)
        assert CANARY not in repr(completion)
    assert all(done[f"good {i}"].finish == "length" for i in range(4))
    assert CANARY not in repr(engine.facts)


def test_a_busy_server_is_asked_again(opened: Callable[..., Any], server: Server) -> None:
    before = len(server.bodies)
    engine = opened()
    done = complete(engine, "x", ask(" FAULT busy-once "))
    assert done.finish == "length" and done.error == ""
    assert len(server.bodies) == before + 3  # start, refused, answered


def test_the_time_is_up(opened: Callable[..., Any]) -> None:
    """While text came it is the episode's time; from a server that sent none, a fault."""
    engine = opened(timeout=30)
    started = time.monotonic()
    names = ("slow", "hang", "drip", "busy-long")
    ended = drive(engine, {n: ask(f" FAULT {n} ", max_tokens=900) for n in names}, awake() + 1.0)
    assert time.monotonic() - started < 10
    assert ended["slow"].finish == "deadline" and ended["slow"].text.startswith(" w w")
    assert [ended[name].finish for name in names[1:]] == ["error"] * 3


def test_a_request_past_all_timeouts_is_abandoned() -> None:
    """A server that accepts and sends its headers byte by byte outwits the client's timeouts."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        over = threading.Event()

        def drip() -> None:
            connection, _ = listener.accept()
            for byte in b"HTTP/1.1 200 OK\r\nx-slow: " + b"a" * 1000:
                if over.wait(0.1):
                    break
                connection.sendall(bytes([byte]))
            connection.close()

        threading.Thread(target=drip, daemon=True).start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        engine = create(model(url), EngineSettings())
        done = drive(engine, {"x": ask(" how?")}, awake() + 0.3)["x"]
        over.set()
        engine.close()
    assert done.finish == "error" and "in time" in done.error


def test_an_unreachable_server_is_named_before_the_run() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    with pytest.raises(UserError, match=f"model remote: {url}: the server cannot be reached"):
        create(model(url), EngineSettings()).start(PREFIX)


@pytest.mark.parametrize(
    ("fault", "says"), [("key", "key_env"), ("missing", "name"), ("long", "too long")]
)
def test_what_would_fail_every_episode_fails_the_start(
    server: Server, fault: str, says: str
) -> None:
    with pytest.raises(UserError, match=says):
        create(model(server.url), EngineSettings()).start([Piece(f"FAULT {fault} ")])


def test_a_full_context_is_the_episode_s_end(opened: Callable[..., Any]) -> None:
    assert complete(opened(), "x", ask(" FAULT long ")).finish == "context"


# --- what is sent and how it is read

STOPS = ("Observation:", "\nObservation:")


def test_a_stop_string_is_cut_here_and_the_server_hung_up_on(opened: Callable[..., Any]) -> None:
    engine = opened()
    done = complete(engine, "x", ask(" FAULT runs-on ", stop=("\nObservation:",)))
    assert (done.text, done.finish, done.stop, done.tail) == (
        " done.",
        "stop",
        "\nObservation:",
        "",
    )
    assert engine.facts["stop_strings"] == "here" and engine.facts["server_ran_past_stop"] == 0


def test_a_server_that_ignores_stop_strings_is_cut_and_flagged(
    opened: Callable[..., Any], server: Server
) -> None:
    engine = opened(stop="server")
    done = complete(engine, "x", ask(" FAULT runs-on ", stop=STOPS))
    assert server.bodies[-1]["stop"] == list(STOPS)
    assert (done.text, done.stop) == (" done.", "\nObservation:")
    assert engine.facts["server_ran_past_stop"] == 1
    # What it wrote behind the stop string is no part of the history.
    complete(engine, "x", ask(" 7\nThought:"))
    assert server.bodies[-1]["prompt"].endswith("runs-on  done.\nObservation: 7\nThought:")


@pytest.mark.parametrize(
    ("habit", "stop", "finish", "found"),
    [
        ("ends", "here", "eos", ""),
        ("ends", "server", "stop", ""),  # it does not say which of the two it was
        ("tells", "server", "stop", "\nObservation:"),
        ("tells-end", "server", "eos", ""),
    ],
)
def test_why_the_server_stopped(
    opened: Callable[..., Any], habit: str, stop: str, finish: str, found: str
) -> None:
    done = complete(opened(stop=stop), "x", ask(f" FAULT {habit} ", stop=STOPS))
    assert (done.text, done.finish, done.stop) == (" done.", finish, found)


def test_a_server_without_a_limit_is_cut_off(opened: Callable[..., Any]) -> None:
    done = complete(opened(), "x", ask(" FAULT endless ", max_tokens=20))
    assert done.finish == "length" and 20 <= done.tokens < 40


def test_a_reasoning_model_s_thoughts_are_kept_apart(opened: Callable[..., Any]) -> None:
    done = complete(opened(), "x", ask(" FAULT thinks ", stop=STOPS))
    assert (done.thinking, done.text, done.finish) == ("Observation: hm", " so", "eos")


def test_special_pieces_and_odd_characters_go_as_text(
    opened: Callable[..., Any], server: Server
) -> None:
    complete(opened(), "x", ask("<|im_end|>\ud800", special=True))
    assert server.bodies[-1]["prompt"].endswith("<|im_end|>\ufffd\ufffd\ufffd")


def test_chat_sends_the_history_as_one_message(opened: Callable[..., Any], server: Server) -> None:
    engine = opened(api="chat")
    first = complete(engine, "x", ask(" one", max_tokens=3))
    complete(engine, "x", ask(" two", max_tokens=3))
    messages = server.bodies[-1]["messages"]
    assert messages == [{"role": "user", "content": PREFIX[0].text + " one" + first.text + " two"}]
    assert engine.facts["open_turn"] is False


def test_hundreds_of_episodes(opened: Callable[..., Any]) -> None:
    engine = opened(EngineSettings(slots=16))
    for batch in range(16):
        names = [f"{batch}-{i}" for i in range(16)]
        done = drive(engine, {name: ask(f" {name}", max_tokens=3) for name in names})
        assert {completion.finish for completion in done.values()} == {"length"}
        for name in names:
            engine.finish(name)


# --- keys and options


def test_a_key_never_comes_back(
    opened: Callable[..., Any], server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", CANARY)
    engine = opened(key_env="MY_KEY")
    assert server.keys[-1] == f"Bearer {CANARY}"
    done = complete(engine, "x", ask(" FAULT echo-key "))
    assert done.text == " your key is Bearer [key]"
    assert CANARY not in repr((engine.facts, vars(engine), done))
    with pytest.raises(UserError) as caught:
        create(model(server.url, key_env="MY_KEY"), EngineSettings()).start([Piece("FAULT key ")])
    assert "[key]" in str(caught.value) and CANARY not in str(caught.value)


def test_openai_s_key_goes_to_no_stranger(monkeypatch: pytest.MonkeyPatch) -> None:
    from harness.engines.openai.options import read_options

    environment = {"OPENAI_API_KEY": CANARY, "OPENAI_BASE_URL": "https://gateway.example/v1"}

    def key(source: str, **options: object) -> str:
        return read_options(Model("m", "openai", source, options=options), environment).key

    assert key("some-model") == CANARY  # the environment names both
    assert (
        key("m", url="https://api.openai.com/v1") == key("m", url="http://localhost:1/v1") == CANARY
    )
    assert key("m", url="https://elsewhere.example/v1") == ""
    assert key("m", url="https://notopenai.com/v1") == ""
    assert key("m", url="https://elsewhere.example/v1", key_env="OPENAI_API_KEY") == CANARY


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"url": "ftp://x/v1"}, "no server"),
        ({"url": "http://[broken"}, "no server"),
        ({"url": "http://me:secret@host/v1"}, "no user, password or query"),
        ({"url": "http://host/v1?api_key=secret"}, "no user, password or query"),
        ({"api_key": "secret"}, "belongs in the environment"),
        ({"api": "telepathy"}, "completions or chat"),
        ({"timeout": 0}, "above 0"),
        ({"stream": "yes"}, "true or false"),
        ({"key_env": "NO_SUCH_VARIABLE"}, "NO_SUCH_VARIABLE is not set"),
    ],
)
def test_wrong_options_are_named(options: dict[str, object], says: str) -> None:
    with pytest.raises(UserError, match=says) as caught:
        create(
            Model("remote", "openai", "http://127.0.0.1:9/v1", options=options), EngineSettings()
        )
    assert "secret" not in str(caught.value)


def test_no_server_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with pytest.raises(UserError, match="OPENAI_BASE_URL"):
        create(Model("remote", "openai", "gpt-x"), EngineSettings())


def test_a_key_that_is_no_header_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "sk-\nfoo-é")
    with pytest.raises(UserError, match="MY_KEY") as caught:
        create(model("http://127.0.0.1:9/v1", key_env="MY_KEY"), EngineSettings())
    assert "foo" not in str(caught.value)


# --- llama.cpp's own server

SERVER_NEEDS = (
    "llama_cpp",
    "gguf",
    "fastapi",
    "uvicorn",
    "sse_starlette",
    "pydantic_settings",
    "starlette_context",
)


@pytest.fixture(scope="module")
def llama_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    missing = [name for name in SERVER_NEEDS if not importlib.util.find_spec(name)]
    if missing:
        pytest.skip(f"llama.cpp's server needs {', '.join(missing)} (llama-cpp-python[server])")
    from tiny_gguf import write_tiny

    path = write_tiny(tmp_path_factory.mktemp("server") / "tiny.gguf", "llama", vocab="bpe")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "llama_cpp.server",
        "--model",
        str(path),
        "--port",
        str(port),
        "--n_ctx",
        "512",
    ]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=dict(os.environ)
    )
    try:
        _await_port(port, process)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait(20)


def _await_port(port: int, process: subprocess.Popen[bytes]) -> None:
    patience = time.monotonic() + 90
    while time.monotonic() < patience and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.2)
    pytest.fail("llama.cpp's server did not start")


@pytest.mark.parametrize("options", [{}, {"stop": "server"}, {"stream": False}])
def test_llama_cpp_s_own_server(llama_server: str, options: dict[str, object]) -> None:
    engine = create(model(llama_server, **options), EngineSettings(slots=2))
    assert engine.start(PREFIX) > 10
    whole = complete(engine, "whole", ask(OPENINGS[0], max_tokens=16))
    assert whole.finish in ("length", "eos") and whole.error == "" and len(whole.text) > 6
    stop = whole.text[3:6]
    cut = complete(engine, "cut", ask(OPENINGS[0], max_tokens=16, stop=(stop,)))
    assert cut.finish == "stop" and cut.text == whole.text[: whole.text.index(stop)]
    assert cut.stop == (stop if engine.facts["stop_strings"] == "here" else "")
    engine.close()


def test_llama_cpp_s_own_server_without_the_context_for_it(llama_server: str) -> None:
    engine = create(model(llama_server), EngineSettings(episode_tokens=9999))
    engine.start(PREFIX)
    done: Completion = complete(engine, "x", ask(" town" * 700))
    assert done.finish in ("context", "error") and done.text == ""
    engine.close()
