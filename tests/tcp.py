"""Ports for the servers that tests start."""

from __future__ import annotations

import socket


def free_port() -> int:
    """A TCP port of the loopback on which a server can listen at this moment.

    It must be asked of TCP: a port that is free for UDP may still be held by a connection that ended
    a minute ago (RFC 9293, TIME-WAIT), and a server that starts on it is refused.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
