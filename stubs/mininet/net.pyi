from typing import Any

from mininet.link import Link
from mininet.node import Node

class Mininet:
    hosts: list[Any]
    switches: list[Any]
    controllers: list[Any]
    links: list[Link]
    nameToNode: dict[str, Node]
    def __init__(
        self, topo: object = ..., *, build: bool = ..., controller: object = ..., **params: Any
    ) -> None: ...
    def __getitem__(self, name: str) -> Any: ...
