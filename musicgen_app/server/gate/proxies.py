"""What proxies say of a request: believed of those that the settings name, taken away from what all others send."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable

HOST = re.compile(r"[A-Za-z0-9.:\[\]_-]{1,255}")
TOLD = (b"x-forwarded-", b"forwarded", b"x-real-ip", b"x-gradio-server")  # how such headers begin
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def networks(text: str) -> list[Network]:
    """The addresses and networks of a list such as "127.0.0.1, 10.0.0.0/8", as the settings have it."""
    return [ipaddress.ip_network(part.strip(), strict=False) for part in text.split(",") if part.strip()]


class Proxies:
    """Those whose `X-Forwarded-For`, `-Proto` and `-Host` are believed."""

    def __init__(self, named: Iterable[Network] = ()) -> None:
        self._named = list(named)

    def __bool__(self) -> bool:
        return bool(self._named)

    def trust(self, address: str) -> bool:
        """Whether that address is one of them."""
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        found = getattr(found, "ipv4_mapped", None) or found
        return any(found in network for network in self._named)

    def seen(self, scope: dict) -> dict:
        """The scope of a request as its client sent it: client, scheme and host, without the headers of proxies."""
        peer = (scope.get("client") or ("", 0))[0]
        heads = [(name, value) for name, value in scope["headers"] if not name.startswith(TOLD)]
        if not self.trust(peer):
            return scope | {"headers": heads}
        kinds, hosts = _told(scope, b"x-forwarded-proto"), _told(scope, b"x-forwarded-host")
        if hosts and HOST.fullmatch(hosts[-1]):
            heads = [(name, value) for name, value in heads if name != b"host"]
            heads.append((b"host", hosts[-1].encode()))
        secure = kinds[-1:] == ["https"] if kinds else scope.get("scheme") == "https"
        return scope | {
            "headers": heads,
            "client": (self._client(peer, _told(scope, b"x-forwarded-for")), 0),
            "scheme": "https" if secure else "http",
        }

    def _client(self, peer: str, hops: list[str]) -> str:
        """The last address on the way here that is no proxy of ours; what it says of those before it is its own."""
        for hop in reversed(hops):
            address = _address(hop)
            if address is None:
                break
            peer = address
            if not self.trust(peer):
                break
        return peer


def _told(scope: dict, header: bytes) -> list[str]:
    """The parts of a header, which may stand there more than once; the nearest proxy wrote the last."""
    values = [value.decode("latin-1") for name, value in scope["headers"] if name == header]
    return [part.strip() for part in ",".join(values).split(",") if part.strip()]


def _address(hop: str) -> str | None:
    """The address in a part of X-Forwarded-For, which may have a port; None: there is none in it."""
    match = re.fullmatch(r"\[([^\]]+)\](:\d+)?|([\d.]+):\d+", hop)
    text = (match[1] or match[3]) if match else hop
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None
