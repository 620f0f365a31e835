"""A matrix is read, or the first thing that is wrong with it is said, with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.model.errors import OperatorError
from simulator.flows.matrix import read_matrix, transfers
from tests.simulator.flows.scenes import TREE


def written(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "matrix.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_pairs_keep_the_order_of_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, '{"name": "mine", "flows": [[3, 1], [0, 15], [3, 1]]}')
    pairs = read_matrix(path, 16)
    assert pairs == ((3, 1), (0, 15), (3, 1))
    flows = [each.flow for each in transfers(TREE, pairs)]
    assert [str(flow.key.src) for flow in flows] == ["10.0.1.3", "10.0.0.2", "10.0.1.3"]
    assert str(flows[1].key.dst) == "10.3.1.3"
    assert len({flow.key for flow in flows}) == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "matrix.json:1: is not JSON"),
        ('{"flows": [[0, 1],\n [2 3]]}', "matrix.json:2: is not JSON"),
        (b"\xff\xfe\x00", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[[0, 1]]", "is not an object"),
        ("{}", "key 'flows': is missing"),
        ('{"flows": {}}', "key 'flows': is not a list"),
        ('{"flows": [[0, 1], 7]}', "key 'flows[1]': 7 is not a pair"),
        ('{"flows": [[0, 1, 2]]}', "key 'flows[0]': [0, 1, 2] is not a pair"),
        ('{"flows": [[0, true]]}', "key 'flows[0]': true is not a whole number"),
        ('{"flows": [[0.0, 1]]}', "key 'flows[0]': 0.0 is not a whole number"),
        ('{"flows": [["h1", 1]]}', "key 'flows[0]': \"h1\" is not a whole number"),
        ('{"flows": [[0, 16]]}', "key 'flows[0]': there is no host 16; this fabric has hosts 0 to 15"),
        ('{"flows": [[-1, 2]]}', "key 'flows[0]': there is no host -1"),
        ('{"flows": [[0, 1], [5, 5]]}', "key 'flows[1]': host 5 sends to itself"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, text: str | bytes, said: str) -> None:
    with pytest.raises(OperatorError) as caught:
        read_matrix(written(tmp_path, text), 16)
    assert said in str(caught.value)
    assert "matrix.json" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="cannot be read"):
        read_matrix(tmp_path / "none.json", 16)
