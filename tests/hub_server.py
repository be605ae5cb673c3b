"""A small server that speaks the hub's protocol on loopback, and can misbehave on purpose."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "a" * 40
RESOLVE = re.compile(r"/([\w.-]+/[\w.-]+)/resolve/([^/]+)/(.+)")
API = re.compile(r"/api/models/([\w.-]+/[\w.-]+)(?:/(revision|tree)/([^/?]+))?")


@dataclass
class Hub:
    """What the server holds and how it behaves; change it while it runs.

    ``status`` answers every request with that code; ``status_after`` becomes it at the next break.
    ``break_after`` closes a download after so many bytes, ``breaks`` times. ``token`` is asked for, "" = no.
    ``corrupt`` flips the bytes that are sent, not the hash that is claimed. ``replace_with``
    are the bytes of every file from the next break on. ``if_range`` False: the server sends a
    part of whatever is there; ``tags`` False: it names no version.
    """

    files: dict[str, bytes] = field(default_factory=dict)  # "owner/name/file" -> bytes
    status: int = 0
    status_after: int = 0
    gated: bool = False
    token: str = ""
    break_after: int = 0
    breaks: int = 0
    corrupt: bool = False
    replace_with: bytes = b""
    if_range: bool = True
    tags: bool = True
    asked: list[tuple[str, str, str]] = field(default_factory=list)  # method, path, Range

    def of(self, repo: str) -> dict[str, bytes]:
        return {
            k.removeprefix(repo + "/"): v for k, v in self.files.items() if k.startswith(repo + "/")
        }

    def downloads(self) -> list[str]:
        """The Range of every GET of a file, in order."""
        return [
            span for method, path, span in self.asked if method == "GET" and "/api/" not in path
        ]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        self.hub.asked.append((self.command, self.path, self.headers.get("Range", "")))
        file, api = RESOLVE.fullmatch(self.path), API.match(self.path)
        repo = (file or api or [None, ""])[1]
        if self.hub.token and self.headers.get("Authorization") != f"Bearer {self.hub.token}":
            return self._refuse(401, "GatedRepo" if self.hub.gated else "RepoNotFound")
        if self.hub.gated and not self.hub.token:
            return self._refuse(403, "GatedRepo")
        if self.hub.status:
            return self._refuse(self.hub.status, "")
        if self.path.startswith("/plain/"):
            return self._send_file(self.hub.files.get(self.path.removeprefix("/"), b""))
        if not self.hub.of(repo):
            return self._refuse(404, "RepoNotFound")
        if file and file[2] not in ("main", COMMIT):
            return self._refuse(404, "RevisionNotFound")
        if file:
            data = self.hub.of(repo).get(file[3])
            return self._refuse(404, "EntryNotFound") if data is None else self._send_file(data)
        return self._send_json(repo, bool(api and api[2] == "tree"))

    def _send_file(self, data: bytes) -> None:
        digest = hashlib.sha256(data).hexdigest()
        sent = bytes(255 - b for b in data) if self.hub.corrupt else data
        span = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        asked_for = self.headers.get("If-Range", "")
        if self.hub.if_range and asked_for and asked_for != f'"{digest}"':
            span = None
        start = int(span[1]) if span else 0
        self.send_response(206 if span else 200)
        if span:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        if self.hub.tags:
            self.send_header("ETag", f'"{digest}"')
        self.send_header("X-Linked-Etag", f'"{digest}"')
        self.send_header("X-Linked-Size", str(len(data)))
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        if self.command == "HEAD":
            return
        body = sent[start:]
        if self.hub.breaks and self.hub.break_after < len(body):
            self.hub.breaks -= 1
            self.hub.status = self.hub.status_after
            if self.hub.replace_with:
                self.hub.files = dict.fromkeys(self.hub.files, self.hub.replace_with)
            self.wfile.write(body[: self.hub.break_after])
            self.close_connection = True
            return
        self.wfile.write(body)

    def _send_json(self, repo: str, tree: bool) -> None:
        files = self.hub.of(repo)
        entries = [
            {
                "type": "file",
                "path": name,
                "rfilename": name,
                "size": len(data),
                "oid": hashlib.sha1(data).hexdigest(),
                "lfs": {
                    "oid": hashlib.sha256(data).hexdigest(),
                    "sha256": hashlib.sha256(data).hexdigest(),
                    "size": len(data),
                    "pointerSize": 130,
                },
            }
            for name, data in files.items()
        ]
        body = (
            entries if tree else {"id": repo, "sha": COMMIT, "private": False, "siblings": entries}
        )
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _refuse(self, status: int, code: str) -> None:
        self.send_response(status)
        if code:
            self.send_header("X-Error-Code", code)
        if status == 429:
            self.send_header("Retry-After", "1")
        self.send_header("Content-Length", "0")
        self.end_headers()


class HubServer:
    """The server in a thread; ``url`` is what HF_ENDPOINT takes."""

    def __init__(self, hub: Hub) -> None:
        handler = type("Handler", (_Handler,), {"hub": hub})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
