"""What servers really send, each habit from a server on this machine that has it."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from engine_contract import PREFIX, ask, complete, drive
from test_session import plan_for

from harness import engines
from harness.engines import create
from harness.engines.openai.options import address_of
from harness.run.session import open_session
from harness.suites.subsets import Subset
from harness.types import Completion, EngineSettings, Episode, Model, Piece, UserError

pytest.importorskip("httpx")

Body = dict[str, Any]
DONE = b"data: [DONE]\n\n"


class Stub(ThreadingHTTPServer):
    """Answers with what ``reply`` makes of a request: status, body, headers.

    The first request of an engine, for one token behind the prefix, is answered well.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/v1"
        self.reply: Callable[[Body], tuple[int, bytes, dict[str, str]]] = lambda body: sse(
            chunk(" hm", "stop")
        )
        self.models: list[Body] | None = None
        self.queues = False  # comments without end, as a queue sends them
        self.bodies: list[Body] = []
        self.closing = threading.Event()

    def says(self, status: int, body: bytes, **headers: str) -> None:
        self.reply = lambda asked: (status, body, headers)


class _Handler(BaseHTTPRequestHandler):
    server: Stub

    def log_message(self, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        found = self.server.models
        self.answer(200 if found else 404, json.dumps({"data": found}).encode(), {})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.bodies.append(body)
        self.answer(*self.server.reply(body))

    def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(OSError):
            while self.server.queues and not self.server.closing.wait(0.1):
                self.wfile.write(b": in the queue\n\n")
            self.wfile.write(body)


def chunk(text: str | None, reason: str | None = None, **more: object) -> Body:
    return {"model": "m", "choices": [{"text": text, "finish_reason": reason}], **more}


def sse(*chunks: object, end: bytes = DONE) -> tuple[int, bytes, dict[str, str]]:
    body = b"".join(b"data: " + json.dumps(item).encode() + b"\n\n" for item in chunks)
    return 200, body + end, {"content-type": "text/event-stream"}


@pytest.fixture
def stub() -> Iterator[Stub]:
    made = Stub()
    threading.Thread(target=made.serve_forever, args=(0.02,), daemon=True).start()
    yield made
    made.closing.set()
    made.shutdown()
    made.server_close()


@pytest.fixture
def started(stub: Stub) -> Iterator[Callable[..., Any]]:
    engines: list[Any] = []

    def start(prefix: str = "", **options: object) -> Any:
        model = Model("remote", "openai", stub.url, options=options)
        engine = create(model, EngineSettings(slots=4))
        engine.start([Piece(prefix)] if prefix else PREFIX)
        engines.append(engine)
        return engine

    yield start
    for engine in engines:
        engine.close()


@pytest.fixture
def asked(stub: Stub, started: Callable[..., Any]) -> Callable[..., Completion]:
    """One generation from a server that begins to reply so after the start."""

    def ask_it(*chunks: object, max_tokens: int = 12, **options: object) -> Completion:
        engine = started(**options)
        stub.reply = lambda body: sse(*chunks)
        return complete(engine, "x", ask(" so", max_tokens=max_tokens))

    return ask_it


# --- the end

ENDS = {
    "stop": "eos STOP eos eos_token stop_sequence end_turn COMPLETE completed FINISH_REASON_STOP endTurn",
    "length": "length max_tokens MAX_TOKENS model_length token_limit max_new_tokens FINISH_REASON_MAX_TOKENS",
    "context": "context_length_exceeded model_context_window_exceeded",
    "error": "content_filter SAFETY tool_calls error abort cancelled time_limit rate_limit xyzzy",
}


@pytest.mark.parametrize(("meaning", "word"), [(m, w) for m in ENDS for w in ENDS[m].split()])
def test_words_for_the_end(asked: Callable[..., Completion], meaning: str, word: str) -> None:
    done = asked(chunk(" one"), chunk(" two", word))
    assert done.finish == {"stop": "eos"}.get(meaning, meaning)
    assert done.text == " one two" and (word in done.error) == (meaning == "error")


@pytest.mark.parametrize("reason", [None, "", "null"])
def test_an_end_without_a_reason_is_an_end(
    asked: Callable[..., Completion], stub: Stub, started: Callable[..., Any], reason: str | None
) -> None:
    assert asked(chunk(" one"), chunk("", reason)).finish == "eos"
    stub.says(200, json.dumps(chunk(" one", reason)).encode())
    done = complete(started(stream=False, stop="here"), "x", ask(" so"))
    assert (done.text, done.finish) == (" one", "eos")


def test_the_counts_come_last(stub: Stub, started: Callable[..., Any]) -> None:
    engine = started()
    stub.reply = lambda body: sse(
        chunk(" one"), {"choices": [], "usage": {"completion_tokens": 1}}, end=b""
    )
    assert complete(engine, "x", ask(" so")).finish == "eos"
    stub.reply = lambda body: sse(chunk(" one"), end=b"")
    assert "broke off" in complete(engine, "y", ask(" so")).error


@pytest.mark.parametrize("usage", [{"completion_tokens": 4}, None])
def test_stop_with_all_tokens_spent_is_length(
    asked: Callable[..., Completion], usage: Body | None
) -> None:
    words = [chunk(f" w{i}") for i in range(4)]
    assert asked(*words, chunk("", "stop", usage=usage), max_tokens=4).finish == "length"
    assert asked(*words, chunk("", "eos_token", usage=usage), max_tokens=4).finish == "eos"
    assert asked(*words, chunk("", "stop", usage=usage), max_tokens=5).finish == (
        "eos" if usage is None or usage["completion_tokens"] < 5 else "length"
    )


# --- chunks and bodies

EMPTY: list[object] = [
    {"choices": [], "prompt_filter_results": [{}]},
    {"choices": None},
    {},
    None,
    {"usage": {"prompt_tokens": 9, "completion_tokens": 2}},
    {"type": "ping"},
    {"choices": [None]},
    {"choices": [{"delta": None}]},
    {"choices": [{"delta": {"role": "a"}}]},
    {"choices": [{"text": None, "finish_reason": None}]},
    {"choices": [{"delta": {"content": None}}]},
]


def test_chunks_without_text_are_passed_over(asked: Callable[..., Completion]) -> None:
    for empty in EMPTY:
        done = asked(empty, chunk(" one"), empty, chunk(" two", "stop"), empty)
        assert (done.text, done.finish, done.error) == (" one two", "eos", ""), empty
    assert "no choices" in asked(*EMPTY[:4]).error


@pytest.mark.parametrize(
    "kind", ["Text/Event-Stream", "", "text/plain", "application/json", "application/x-ndjson"]
)
@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf", b"\n", b": hello\n\n", b"event: x\n"])
def test_a_body_that_begins_like_a_stream_is_one(
    stub: Stub, started: Callable[..., Any], kind: str, before: bytes
) -> None:
    _, body, _ = sse(chunk(" one"), chunk(" two", "stop"))
    headers = {"content-type": kind} if kind else {}
    engine = started()
    for sent in (body, body.replace(b"\n\n", b"\r\n\r\n"), body.rstrip()):
        stub.reply = lambda asked, sent=sent: (200, before + sent, headers)  # type: ignore[misc]
        done = complete(engine, "x", ask(" so"))
        assert (done.text, done.finish) == (" one two", "eos"), done.error


def test_json_under_the_name_of_a_stream_is_read(stub: Stub, started: Callable[..., Any]) -> None:
    engine = started()
    stub.reply = lambda body: (
        200,
        json.dumps(chunk(" one", "stop")).encode(),
        {"content-type": "text/event-stream"},
    )
    assert complete(engine, "x", ask(" so")).text == " one"


@pytest.mark.parametrize(
    "line",
    [
        b'error: {"message": "CUDA error"}\n',
        b'data: {"error": "CUDA error"}\n',
        b'data: {"object": "error", "message": "CUDA error"}\n',
    ],
)
def test_errors_in_a_stream(stub: Stub, started: Callable[..., Any], line: bytes) -> None:
    engine = started()
    stub.reply = lambda body: sse(chunk(" one"), end=line)
    done = complete(engine, "x", ask(" so"))
    assert done.finish == "error" and "CUDA error" in done.error


# --- reasoning


@pytest.mark.parametrize("key", ["reasoning_content", "reasoning", "thinking"])
def test_an_answer_in_the_reasoning_field_is_the_server_s_doing(
    stub: Stub, started: Callable[..., Any], key: str
) -> None:
    def apart(text: str, reason: str | None, content: str | None = None) -> Body:
        message = {"content": content, key: text}
        return {"choices": [{"delta": message, "finish_reason": reason}]}

    engine = started(api="chat")
    stub.reply = lambda body: sse(apart("Answer: 7", None), apart("", "stop"))
    done = complete(engine, "x", ask(" so"))
    assert (done.finish, done.text, done.thinking) == ("error", "", "Answer: 7")
    assert "reasoning" in done.error
    stub.reply = lambda body: sse(apart("I think and", None), apart(" think", "length"))
    assert complete(engine, "y", ask(" so")).finish == "length"
    assert engine.facts["only_reasoning"] == 2
    assert "2 replies were all reasoning" in engine.facts["warnings"][0]
    stub.reply = lambda body: sse(apart("hm", None), apart("", "stop", " Answer: 7"))
    done = complete(engine, "z", ask(" so"))
    assert (done.finish, done.text, done.thinking) == ("eos", " Answer: 7", "hm")


def test_content_in_parts(asked: Callable[..., Completion]) -> None:
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    parts = [thought, {"type": "text", "text": " Answer: 7"}]
    message = {"choices": [{"delta": {"content": parts}, "finish_reason": "stop"}]}
    done = asked(message, api="chat")
    assert (done.text, done.thinking, done.finish) == (" Answer: 7", "hm", "eos")


def test_text_that_a_server_made_a_tool_call_of(asked: Callable[..., Completion]) -> None:
    call = {"choices": [{"delta": {"tool_calls": [{}]}, "finish_reason": "stop"}]}
    assert "tool call" in asked(call, api="chat").error


# --- counts


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {},
        {"prompt_tokens": 0, "completion_tokens": 0},
        {"completion_tokens": -117},
        {"completion_tokens": "9"},
        {"completion_tokens": True},
        {"completion_tokens": float("nan")},
    ],
)
def test_counts_that_are_none_are_estimated(
    stub: Stub, started: Callable[..., Any], usage: Body | None
) -> None:
    engine = started()
    before = engine.facts["tokens_estimated"]
    words = [chunk(f" w{i}") for i in range(7)]
    stub.reply = lambda body: sse(*words, chunk("", "stop", usage=usage))
    assert complete(engine, "x", ask(" so")).tokens == 7
    stub.reply = lambda body: sse(chunk(" word" * 40, "stop", usage=usage))
    assert 40 <= complete(engine, "y", ask(" so", max_tokens=90)).tokens <= 60
    assert engine.facts["tokens_estimated"] == before + 2


def counting(limit: int) -> Callable[[Body], tuple[int, bytes, dict[str, str]]]:
    """A server that reads the last ``limit`` tokens of a prompt and says nothing of it."""

    def reply(body: Body) -> tuple[int, bytes, dict[str, str]]:
        usage = {"prompt_tokens": min(limit, len(body["prompt"]) // 4), "completion_tokens": 2}
        return sse(chunk(" one"), chunk(" two", "stop", usage=usage))

    return reply


def test_a_prompt_that_the_server_cuts_is_nobody_s_answer(
    stub: Stub, started: Callable[..., Any]
) -> None:
    stub.reply = counting(120)
    engine = started(prefix="The town of Brel lies on a river. " * 12)
    asks = [ask(f"\nObservation: {'the river is long ' * 3}\nThought:")] * 4
    done = [complete(engine, "x", request) for request in asks]
    assert [c.finish for c in done] == ["eos", "error", "error", "error"]
    assert "cuts the prompt" in done[1].error and "120" in done[1].error
    stub.reply = counting(9999)
    whole = started(prefix="The town of Brel lies on a river. " * 12)
    assert {complete(whole, "x", request).finish for request in asks} == {"eos"}


def test_counts_of_what_is_new_alone_are_no_cut(stub: Stub, started: Callable[..., Any]) -> None:
    seen = [0]

    def reply(body: Body) -> tuple[int, bytes, dict[str, str]]:
        new = len(body["prompt"]) // 4 - seen[0]
        seen[0] += new
        return sse(chunk(" one", "stop", usage={"prompt_tokens": new, "completion_tokens": 1}))

    stub.reply = reply
    engine = started(prefix="The town of Brel lies on a river. " * 12)
    for more in (" Who built the town, and when?", " It is old.", " And how long is the river?"):
        assert complete(engine, "x", ask(more)).finish == "eos"


# --- which server, which model


def test_another_model_behind_the_address_is_nobody_s_answer(
    stub: Stub, started: Callable[..., Any]
) -> None:
    engine = started()
    assert engine.facts["served_model"] == "m" and engine.facts["server"] == stub.url
    stub.reply = lambda body: sse({**chunk(" one", "stop"), "model": "other"})
    done = complete(engine, "x", ask(" so"))
    assert done.finish == "error" and "'other'" in done.error and "'m'" in done.error


@pytest.mark.parametrize(
    ("models", "expected"),
    [
        (None, "m"),
        ([{"id": "m"}], "m"),
        ([{"id": "llama-8b.gguf"}], "m, listed as llama-8b.gguf"),
        ([{"id": "a"}, {"id": "b"}], "m"),
        ([{"id": "m", "root": "/w/8b"}, {"id": "b"}], "m (root /w/8b)"),
        ([{"id": "m", "meta": {"n_params": 8, "size": 4}}], "m (n_params 8, size 4)"),
        ([{"no": "id"}], "m"),
    ],
)
def test_the_model_that_the_server_lists(
    stub: Stub, started: Callable[..., Any], models: list[Body] | None, expected: str
) -> None:
    stub.models = models
    assert started().facts["served_model"] == expected


def run_of(suite: Path, runs_dir: Path, limit: int) -> tuple[Path, int, str]:
    """The run that the command fills: its folder, the episodes that it added, its news."""
    plan = plan_for(suite, model=Model("far", "openai", "gpt"), subset=Subset(limit=limit))
    session = open_session(plan, runs_dir)
    added = [event for event in session.events() if isinstance(event, Episode)]
    assert session.run and all(episode.answer == "7" for episode in added)
    return session.run.path, len(added), session.news


def test_another_address_or_model_is_another_run(
    stub: Stub, suite_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answering(model: str) -> Callable[[Body], Any]:
        return lambda body: sse({**chunk(" I know.\nAnswer: 7", "stop"), "model": model})

    stub.reply = answering("a")
    monkeypatch.setenv("OPENAI_BASE_URL", stub.url)
    first, added, _ = run_of(suite_folder, tmp_path, limit=1)
    assert added == 1
    monkeypatch.setenv("OPENAI_BASE_URL", f"{stub.url}/")
    assert run_of(suite_folder, tmp_path, limit=1)[:2] == (first, 0)
    monkeypatch.setenv("OPENAI_BASE_URL", stub.url.replace("127.0.0.1", "localhost"))
    second, added, news = run_of(suite_folder, tmp_path, limit=1)
    assert second != first and added == 1 and "server" in news
    stub.reply = answering("b")
    third, added, news = run_of(suite_folder, tmp_path, limit=1)
    assert third not in (first, second) and added == 1 and "served_model a -> b" in news
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    with pytest.raises(UserError, match="cannot be reached"):
        run_of(suite_folder, tmp_path, limit=1)


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("HTTP://LocalHost:8080/v1/", "http://localhost:8080/v1"),
        ("https://host:443/v1", "https://host/v1"),
        ("http://[::1]:80", "http://[::1]"),
        (" http://host/V1 ", "http://host/V1"),
    ],
)
def test_one_address_is_written_in_one_way(written: str, address: str) -> None:
    environment = {"OPENAI_BASE_URL": written}
    assert address_of(Model("m", "openai", "gpt"), environment) == address
    assert address_of(Model("m", "openai", "http://row/v1"), environment) == "http://row/v1"
    assert engines.server_address(Model("m", "llama_cpp", "a.gguf")) == ""


def test_an_address_with_a_secret_is_refused_and_not_shown() -> None:
    for url in ("http://me:secret@host/v1", "http://host/v1?key=secret"):
        with pytest.raises(UserError) as caught:
            address_of(Model("m", "openai", "gpt"), {"OPENAI_BASE_URL": url})
        assert "secret" not in str(caught.value)


# --- refusals


def refusing(*keys: str, status: int, text: str) -> Callable[[Body], Any]:
    """A server that does not take some keys and names the first that it meets."""

    def reply(body: Body) -> tuple[int, bytes, dict[str, str]]:
        found = [key for key in keys if key in body]
        if not found:
            return sse(chunk(" one", "stop"))
        error = text.replace("KEY", found[0])
        return status, error.encode(), {}

    return reply


TEXTS = [
    '{"error": {"message": "Unsupported parameter: \'KEY\' is not supported.", "param": "KEY"}}',
    '{"detail": [{"type": "extra_forbidden", "loc": ["body", "KEY"], "msg": "Extra inputs are not permitted"}]}',
    '{"detail": [{"loc": ["body", "KEY"], "msg": "Input should be less than or equal to 1", "input": 2}]}',
    '{"message": "unknown field `KEY`, expected one of `prompt`, `stop`"}',
    "create() got an unexpected keyword argument 'KEY'",
]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("status", [400, 422, 500])
def test_keys_that_a_server_refuses_are_left_out(
    stub: Stub, started: Callable[..., Any], status: int, text: str
) -> None:
    keys = ("stream_options", "seed", "temperature")
    stub.reply = refusing(*keys, status=status, text=text)
    engine = started()
    assert engine.facts["left_out"] == sorted(keys)
    assert "refused seed, stream_options, temperature" in engine.facts["warnings"][0]
    before = len(stub.bodies)
    assert complete(engine, "x", ask(" so")).text == " one"
    assert len(stub.bodies) == before + 1, "remembered"


def test_max_tokens_by_its_new_name(stub: Stub, started: Callable[..., Any]) -> None:
    stub.reply = refusing(
        "max_tokens", status=400, text="'KEY' is not supported, use 'max_completion_tokens'"
    )
    complete(started(), "x", ask(" so", max_tokens=7))
    assert stub.bodies[-1]["max_completion_tokens"] == 7 and "max_tokens" not in stub.bodies[-1]


def test_keys_that_a_row_leaves_out(stub: Stub, started: Callable[..., Any]) -> None:
    engine = started(leave_out=["seed", "stream_options"])
    assert not {"seed", "stream_options"} & set(stub.bodies[-1])
    assert engine.facts["left_out"] == ["seed", "stream_options"] and not engine.facts["warnings"]
    with pytest.raises(UserError, match="leave_out is a list of some of"):
        started(leave_out=["prompt"])


def test_a_refusal_that_names_no_key_is_said(stub: Stub, started: Callable[..., Any]) -> None:
    engine = started()
    stub.says(400, b'{"error": "please stop, the stream is dry"}')
    done = complete(engine, "x", ask(" so"))
    assert done.finish == "error" and "the stream is dry" in done.error


TOO_LONG = [
    "The decoder prompt (length 1100) is longer than the maximum model length of 1024",
    "This model's maximum context length is 4097 tokens. However, you requested 4200 tokens",
    "`inputs` tokens + `max_new_tokens` must be <= 1024. Given: 1000 `inputs` tokens",
    "`inputs` must have less than 1024 tokens. Given: 2000",
    "prompt is too long: 210000 tokens > 200000 maximum",
    "The input token count (12000) exceeds the maximum number of tokens allowed (8192).",
    "Prompt length 5000 is greater than max_seq_len 4096",
    "Requested tokens (1100) exceed context window of 512",
    "the request exceeds the available context size, try increasing it",
    "input is larger than the max context size. skipped",
    "too many tokens: size limit exceeded by 500 tokens",
    "Input is too long for requested model.",
    "Please reduce the length of the messages or completion",
    "'max_tokens' is too large: 160. This model's maximum context length is 1024 tokens",
    "Range of input length should be [1, 6000]",
    "the model is loaded with a context length of only 4096 tokens, which is not enough",
    "You passed 1025 input tokens, but the model's context length is only 1024",
    "Prompt exceeds max kv size",
    "Sequence length 5000 > 4096",
    "入力トークン数が上限を超えています",
]
NOT_TOO_LONG = [
    "temperature must be at most 2",
    "Rate limit exceeded: 6000 tokens per minute",
    "max_tokens is too large: 160. This model supports at most 128 completion tokens",
    "context deadline exceeded",
    "model not loaded",
    "this request would exceed your credit",
    "too many requests in the queue, at most 4096 tokens wait",
    "Input should be a valid string",
    "Invalid prompt: not a string",
]


def wrapped(text: str) -> list[Body]:
    return [{"error": {"message": text}}, {"detail": text}, {"object": "error", "message": text}]


@pytest.mark.parametrize("text", TOO_LONG)
@pytest.mark.parametrize("status", [400, 413, 422, 500])
def test_a_prompt_too_long_in_other_words(
    stub: Stub, started: Callable[..., Any], status: int, text: str
) -> None:
    engine = started()
    for form in wrapped(text):
        stub.says(status, json.dumps(form).encode())
        assert complete(engine, "x", ask(" so")).finish == "context"


@pytest.mark.parametrize(
    "error",
    [
        {"code": "context_length_exceeded", "message": "no"},
        {"type": "exceed_context_size_error", "message": "no"},
        {"type": "ContextWindowExceededError"},
        {"code": "prompt_too_long"},
    ],
)
def test_a_prompt_too_long_by_its_code(
    stub: Stub, started: Callable[..., Any], error: Body
) -> None:
    engine = started()
    stub.says(400, json.dumps({"error": error}).encode())
    assert complete(engine, "x", ask(" so")).finish == "context"
    stub.reply = lambda body: sse({"error": error})
    assert complete(engine, "y", ask(" so")).finish == "context"


@pytest.mark.parametrize("text", NOT_TOO_LONG)
def test_other_refusals_are_no_full_context(
    stub: Stub, started: Callable[..., Any], text: str
) -> None:
    engine = started(leave_out=["temperature", "max_tokens", "max_completion_tokens"])
    for form in wrapped(text):
        stub.says(400, json.dumps(form).encode())
        assert complete(engine, "x", ask(" so")).finish == "error"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_explained_in_one_line(
    stub: Stub, started: Callable[..., Any], status: int
) -> None:
    stub.says(status, b"", location="http://me:secret@new.example/v2/completions?key=secret")
    with pytest.raises(UserError) as caught:
        started()
    said = str(caught.value)
    assert f"answered {status} and sends requests on to http://new.example/v2;" in said
    assert "secret" not in said and "\n" not in said


# --- slowness


def test_one_token_at_a_time_and_a_late_first_one_are_waited_for(
    stub: Stub, started: Callable[..., Any]
) -> None:
    engine = started(timeout=0.6)

    def reply(body: Body) -> tuple[int, bytes, dict[str, str]]:
        stub.closing.wait(0.4)
        return sse(chunk(" one", "stop"))

    stub.reply = reply
    assert complete(engine, "x", ask(" so")).text == " one"


def test_a_server_that_only_says_that_it_lives_is_given_up(
    stub: Stub, started: Callable[..., Any]
) -> None:
    engine = started(timeout=0.3)
    stub.queues = True
    done = drive(engine, {"x": ask(" so")})["x"]
    assert done.finish == "error" and "no token for" in done.error


@pytest.mark.parametrize("hosts", ["[::1]", "fd00::/8"])
def test_a_far_server_and_the_proxies_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, hosts: str
) -> None:
    model = Model("m", "openai", "https://api.example/v1")
    monkeypatch.setenv("NO_PROXY", hosts)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    create(model, EngineSettings()).close()
    monkeypatch.setenv("ALL_PROXY", "nonsense://x")
    with pytest.raises(UserError, match="ALL_PROXY: not the address of a proxy"):
        create(model, EngineSettings())
