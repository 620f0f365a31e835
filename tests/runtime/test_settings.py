"""Settings: where they come from, which wins, and what a wrong one is told."""

from __future__ import annotations

from ipaddress import ip_interface
from pathlib import Path

import pytest

from controller.model.errors import OperatorError
from controller.runtime.settings import Settings, load


def written(tmp_path: Path, text: str) -> str:
    file = tmp_path / "treadle.yaml"
    file.write_text(text)
    return str(file)


def test_without_any_source_the_defaults_hold() -> None:
    assert load() == Settings()


def test_flags_win_over_the_environment_and_the_environment_over_the_file(tmp_path: Path) -> None:
    file = written(tmp_path, "punt_pps: 1\nbroadcast_pps: 2\nlldp_interval_s: 3\n")
    environment = {"TREADLE_BROADCAST_PPS": "20", "TREADLE_LLDP_INTERVAL_S": "30"}
    settings = load(file, environment, [("lldp_interval_s", "300")])
    assert (settings.punt_pps, settings.broadcast_pps, settings.lldp_interval_s) == (1, 20, 300.0)


def test_an_environment_variable_that_is_no_setting_is_left_alone() -> None:
    assert load(None, {"TREADLE_HOME": "/nowhere", "PATH": "/bin"}) == Settings()


def test_gateways_are_addresses_with_their_subnet(tmp_path: Path) -> None:
    settings = load(written(tmp_path, "gateways: [10.0.0.1/24, '2001:db8::1/64']\n"))
    assert settings.gateways == (ip_interface("10.0.0.1/24"), ip_interface("2001:db8::1/64"))


@pytest.mark.parametrize(
    ("text", "line", "key", "said"),
    [
        ("punt_pps: 5\nlldp_intervall_s: 3\n", 2, "lldp_intervall_s", "did you mean 'lldp_interval_s'"),
        ("punt_pps: many\n", 1, "punt_pps", "whole number"),
        ("punt_pps: true\n", 1, "punt_pps", "whole number"),
        ("lldp_interval_s: often\n", 1, "lldp_interval_s", "number of seconds"),
        ("gateways: [10.0.0.300/24]\n", 1, "gateways", "10.0.0.300"),
        ("gateway_mac: 02:zz\n", 1, "gateway_mac", "not an Ethernet address"),
        ("allow: [one]\n", 1, "allow", "one"),
        ("listen:\n  host: a\n", 1, "listen", "single value"),
        ("- listen\n", 1, None, "names with values"),
        ("listen: [a\n", 2, None, "not YAML"),
    ],
)
def test_a_wrong_line_is_named_with_file_line_and_key(
    tmp_path: Path, text: str, line: int, key: str | None, said: str
) -> None:
    file = written(tmp_path, text)
    with pytest.raises(OperatorError) as caught:
        load(file)
    assert (caught.value.file, caught.value.line, caught.value.key) == (file, line, key)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("listen", "nowhere", "HOST:PORT"),
        ("listen", "127.0.0.1:70000", "HOST:PORT"),
        ("framework", "pox", "os_ken, ryu"),
        ("dead_after_s", "1", "longer than echo_interval_s"),
        ("tls_key", "key.pem", "go together"),
        ("punt_pps", "0", "more than zero"),
        ("settle_s", "-1", "negative"),
        ("bfd_interval_ms", "10", "needs a database"),
        ("bfd_interval_ms", "5", "from 10 to 1000"),
        ("bfd_interval_ms", "0.5", "whole number"),
    ],
)
def test_values_that_cannot_work_are_refused(key: str, value: str, said: str) -> None:
    with pytest.raises(OperatorError, match=said):
        load(flags=[(key, value)])


def test_a_file_of_comments_changes_nothing(tmp_path: Path) -> None:
    assert load(written(tmp_path, "# punt_pps: 5\n")) == Settings()


def test_a_file_that_is_not_there_is_an_operators_error() -> None:
    with pytest.raises(OperatorError, match="cannot be read"):
        load("/nonexistent/treadle.yaml")


def test_an_alias_bomb_is_refused_without_being_expanded(tmp_path: Path) -> None:
    layers = "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30))
    with pytest.raises(OperatorError):
        load(written(tmp_path, f"a0: &a0 [x]\n{layers}\n"))


def test_databases_are_a_list_and_bfd_an_interval() -> None:
    flags = [("ovsdb", "unix:/run/db.sock, tcp:127.0.0.1:6640"), ("bfd_interval_ms", "10")]
    settings = load(flags=flags)
    assert settings.ovsdb == ("unix:/run/db.sock", "tcp:127.0.0.1:6640")
    assert settings.bfd_interval_ms == 10
