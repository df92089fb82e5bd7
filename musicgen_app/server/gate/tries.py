"""Passwords tried from each address: every wrong one beyond TRIES makes the next from there wait twice as long."""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict

TRIES, LONGEST = 10, 60.0  # wrong passwords of an address before it has to wait, and the most seconds it waits
WIDE = 10  # times as many for the network of an address of IPv6, of which one customer has 65,536
ADDRESSES = 10_000  # that are remembered
FORGOTTEN = 3_600.0  # seconds without a try after which an address begins anew


class Tries:
    """Who may try a password now. An address of IPv6 counts as the network of one home, and as that of one customer."""

    def __init__(self) -> None:
        self._of: OrderedDict[str, tuple[int, float]] = OrderedDict()  # network -> wrong ones, when the next may come

    def begin(self, address: str) -> bool:
        """Whether a password from there may be looked at; it counts as wrong from now on."""
        now = time.monotonic()
        networks = networks_of(address)
        if any(now < self._of.get(network, (0, now))[1] for network, _ in networks):
            return False
        for network, tries in networks:
            wrong, next_one = self._of.pop(network, (0, now))
            wrong = 1 if now - next_one > FORGOTTEN else wrong + 1
            wait = 0.0 if wrong < tries else min(LONGEST, 2.0 ** min(wrong - tries, 30))
            self._of[network] = (wrong, now + wait)
        while len(self._of) > ADDRESSES:
            self._of.popitem(last=False)
        return True

    def right(self, address: str) -> None:
        """The password that was begun last from there was right."""
        for network, _ in networks_of(address):
            self._of.pop(network, None)


def networks_of(address: str) -> list[tuple[str, int]]:
    """What tries from an address are counted for, each with how many it has before it waits."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return [(address, TRIES)]
    if found.version == 6 and found.ipv4_mapped is None:
        wide = [(ipaddress.ip_network((found, bits), strict=False), tries) for bits, tries in ((64, 1), (48, WIDE))]
        return [(str(network), TRIES * factor) for network, factor in wide]
    return [(address, TRIES)]
