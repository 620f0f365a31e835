"""Run pytest in a process prepared for Ryu's hub: `python -m tests.emulation.green_hub FILES`."""

import sys

from controller.southbound.framework import prepare

if __name__ == "__main__":
    prepare("ryu")
    import pytest  # after the hub, like everything that knows sockets or threads

    sys.exit(pytest.main(["-q", "-W", "ignore", *sys.argv[1:]]))
