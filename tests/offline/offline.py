"""Refuses connections to other machines, so that a test that needs the network fails everywhere."""

import socket
from typing import Any

_OURSELVES = ("127.", "::1", "localhost")


def refuse_connections() -> None:
    """Let every stream socket of this process reach only this machine."""
    if getattr(socket.socket, "offline", False):
        return
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def checked(self: socket.socket, address: Any) -> None:
        internet = self.family in (socket.AF_INET, socket.AF_INET6)
        if internet and self.type & socket.SOCK_STREAM and not _is_here(address[0]):
            raise PermissionError(f"tests run without a network: no connection to {address}")

    def only_here(self: socket.socket, address: Any) -> None:
        checked(self, address)
        connect(self, address)

    def only_here_ex(self: socket.socket, address: Any) -> int:
        checked(self, address)
        return connect_ex(self, address)

    socket.socket.connect = only_here  # type: ignore[method-assign]
    socket.socket.connect_ex = only_here_ex  # type: ignore[method-assign]
    socket.socket.offline = True  # type: ignore[attr-defined]


def _is_here(host: object) -> bool:
    return isinstance(host, str) and host.startswith(_OURSELVES)
