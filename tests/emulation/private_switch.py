"""An Open vSwitch of one's own: a database and a switch daemon in a directory, beside whatever runs on the
machine.

TLS files are global in Open vSwitch's database, and a daemon that is stopped stops every bridge: what tests
do to these two must not reach another lab. The bridges are of the `dummy` type and need neither kernel nor
interfaces.
"""

import os
import signal
import subprocess
import time
from pathlib import Path

from controller.southbound.settings import TlsSettings

SCHEMA = Path("/usr/share/openvswitch/vswitch.ovsschema")
PATIENCE_S = 20.0


class PrivateSwitch:
    """Both daemons, for as long as the `with` lasts."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._database = f"unix:{directory}/db.sock"
        self._environment = {**os.environ, "OVS_RUNDIR": str(directory), "OVS_DBDIR": str(directory)}
        self._daemons: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> "PrivateSwitch":
        self._run("ovsdb-tool", "create", f"{self._directory}/conf.db", str(SCHEMA))
        tls = [
            f"--{word}=db:Open_vSwitch,SSL,{word.replace('-', '_')}"
            for word in ("private-key", "certificate")
        ]
        tls.append("--ca-cert=db:Open_vSwitch,SSL,ca_cert")
        self._start("ovsdb-server", f"{self._directory}/conf.db", f"--remote=p{self._database}", *tls)
        self._wait_for(self._directory / "db.sock")
        self.vsctl("--no-wait", "init")
        self._start(
            "ovs-vswitchd", self._database, "--enable-dummy", "--disable-system", "--log-file=/dev/null"
        )
        return self

    def __exit__(self, *_: object) -> None:
        for daemon in reversed(self._daemons):
            daemon.send_signal(signal.SIGCONT)
            daemon.terminate()
            daemon.wait(PATIENCE_S)

    def vsctl(self, *words: str) -> None:
        self._run("ovs-vsctl", f"--db={self._database}", *words)

    def use(self, files: TlsSettings) -> None:
        """Present this certificate from now on."""
        self.vsctl("set-ssl", str(files.key), str(files.certificate), str(files.authority))

    def add_bridge(self, name: str, dpid: int, controller: str) -> None:
        identity = f"other-config:datapath-id={dpid:016x}"
        self.vsctl("add-br", name, "--", "set", "bridge", name, "datapath_type=dummy", "fail_mode=secure",
                   "protocols=OpenFlow13", identity, "--", "set-controller", name, controller)  # fmt: skip

    def freeze(self) -> None:
        """Let the switch daemon say nothing more, without closing its connections."""
        self._daemons[1].send_signal(signal.SIGSTOP)

    def _start(self, *words: str) -> None:
        options = ("--pidfile", f"--unixctl={self._directory}/{words[0]}.ctl", "-vconsole:off")
        self._daemons.append(
            subprocess.Popen(
                [*words, *options],
                env=self._environment,
                cwd=self._directory,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )

    def _run(self, *words: str) -> None:
        done = subprocess.run(
            words, env=self._environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr

    def _wait_for(self, path: Path) -> None:
        deadline_s = time.monotonic() + PATIENCE_S
        while not path.exists():
            assert time.monotonic() < deadline_s, f"{path} has not appeared"
            time.sleep(0.02)
