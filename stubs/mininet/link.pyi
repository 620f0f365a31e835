from collections.abc import Callable
from typing import Any

from mininet.node import Node

class Intf:
    name: str
    node: Node
    link: Link | None
    ip: str | None
    prefixLen: str | int | None
    mac: str | None
    def __init__(
        self,
        name: str,
        node: Node | None = ...,
        port: int | None = ...,
        link: Link | None = ...,
        mac: str | None = ...,
        *,
        moveIntfFn: Callable[..., object] = ...,
        **params: Any,
    ) -> None: ...
    def config(self, *args: Any, **params: Any) -> dict[str, Any]: ...

class Link:
    intf1: Intf
    intf2: Intf
