"""The proxy variables of the environment, made usable before an HTTP client reads them.

HTTP clients read HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY themselves, and fail with a
traceback on what they cannot use.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import MutableMapping
from urllib.parse import urlsplit

from harness.types import UserError

_NAMES = ("http_proxy", "https_proxy", "all_proxy")
_SCHEMES = ("http", "https", "socks5", "socks5h")
_EXPECTED = "expected http://host:port or socks5://host:port"


def make_usable(environment: MutableMapping[str, str] = os.environ) -> None:
    """Rewrite NO_PROXY so that every client can read it, and check the proxies.

    ``[::1]`` becomes ``::1``; entries that name no host (a range of IPv6 addresses) are
    dropped. Raises UserError for a proxy that cannot be used, naming its variable.
    """
    for name in ("NO_PROXY", "no_proxy"):
        if name in environment:
            hosts = (_host(entry.strip()) for entry in environment[name].split(","))
            environment[name] = ",".join(host for host in hosts if host)
    for name, value in environment.items():
        if name.lower() in _NAMES and value.strip():
            _check(name, value.strip())


def _host(entry: str) -> str:
    """One entry of NO_PROXY as clients expect it; "" for one they cannot read."""
    if not entry.isascii():
        return ""
    if entry.startswith("["):
        entry = entry[1:].partition("]")[0]
    if entry.count(":") > 1:  # an IPv6 address
        return "" if "/" in entry else entry
    host, _, port = entry.rpartition("://")[2].partition(":")
    return entry if host and port.isdigit() and len(port) < 6 else host


def _check(name: str, proxy: str) -> None:
    try:
        parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        usable = bool(parts.hostname) and parts.scheme.lower() in _SCHEMES and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise UserError(f"{name}: not the address of a proxy; {_EXPECTED}, or unset it")
    if parts.scheme.lower().startswith("socks") and not importlib.util.find_spec("socksio"):
        raise UserError(
            f"{name} names a SOCKS proxy, for which a package is missing: pip install socksio; "
            f"or unset {name}"
        )
