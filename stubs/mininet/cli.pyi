from mininet.net import Mininet

class CLI:
    def __init__(self, mininet: Mininet, stdin: object = ..., script: str | None = ...) -> None: ...
