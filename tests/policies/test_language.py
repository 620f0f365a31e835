"""Documents: what they mean, and one clear line for everything that is wrong with them."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.documents.yaml_tree import MAX_FILE_BYTES
from controller.model.errors import OperatorError
from policies.canonical import read, version_of, write
from policies.language.kinds import KEYS
from policies.language.load import Problems, parse_policy, read_policy
from policies.language.templates import TEMPLATES
from policies.policy import Policy
from policies.predicate import Source
from policies.semantics import is_allowed
from policies.witness import between
from tests.policies.inventory import HOSTS, INVENTORY, policy

EXAMPLES = Path(__file__).resolve().parents[2] / "policies" / "examples"
TCP, UDP = 6, 17


def allows(some: Policy, src: str, dst: str, port: int, protocol: int = TCP, source: int = 40_000) -> bool:
    (one,), (other,) = HOSTS[src], HOSTS[dst]
    return is_allowed(some, between(one, other, protocol, source, port))


def problems(text: str) -> tuple[OperatorError, ...]:
    """All that is said of some documents; nothing of those that are well."""
    try:
        policy(text)
    except Problems as found:
        return found.found
    return ()


def complaint(text: str) -> str:
    """The one line that is said of a wrong document."""
    with pytest.raises(Problems) as found:
        policy(text)
    (only,) = found.value.found
    assert only.file == "test.yaml"
    assert only.line is not None
    return only.text()


def test_the_first_clause_that_fits_decides_and_what_nobody_speaks_of_passes() -> None:
    some = policy(
        "kind: access\nname: a\nclauses:\n"
        "  - allow: {from: h1, to: h5, protocol: tcp, ports: [80, 8000-8099]}\n"
        "  - deny: {to: h5}\n"
    )
    assert allows(some, "h1", "h5", 80)
    assert allows(some, "h1", "h5", 8050)
    assert not allows(some, "h1", "h5", 81)
    assert not allows(some, "h2", "h5", 80)
    assert allows(some, "h1", "h6", 81)


def test_answers_to_what_is_allowed_are_allowed_unless_it_is_said_that_they_are_not() -> None:
    text = "kind: access\nname: a\nclauses:\n  - allow: {from: h1, to: h5, protocol: tcp, ports: 80}\n%s"
    deny = "  - deny: {any: [{from: h1, to: h5}, {from: h5, to: h1}]}\n"
    assert allows(policy(text % deny), "h5", "h1", 40_000, source=80)
    assert not allows(policy(text % deny), "h5", "h1", 40_000, source=81)
    assert not allows(policy(text % ("    replies: false\n" + deny)), "h5", "h1", 40_000, source=80)


def test_groups_hold_prefixes_hosts_ports_labels_and_other_groups() -> None:
    some = policy(
        "kind: labels\nname: l\nlabels: {h7: [public, web], h8: public}\n---\n"
        "kind: groups\nname: g\ngroups:\n  all: [inner, s1:1, 'label:public', fd00::/8]\n"
        "  inner: [10.1.0.0/24, 10.1.0.128/25, h9]\n---\n"
        "kind: access\nname: a\nclauses: [{deny: {from: all}}]\n"
    )
    (clause,) = some.access[0].clauses
    assert isinstance(clause.predicate, Source)
    named = [HOSTS[name][0] for name in ("h1", "h7", "h8", "h9")]
    expected = {ip_network("10.1.0.0/24"), ip_network("fd00::/8"), *map(ip_network, named)}
    assert set(clause.predicate.prefixes) == expected


def test_a_default_between_groups_holds_for_what_no_clause_speaks_of() -> None:
    some = policy(
        "kind: access\nname: a\nclauses: [{allow: {from: h1, to: h2, protocol: udp}}]\n"
        "default: deny\nbetween: [h1, h2]\n"
    )
    assert allows(some, "h1", "h2", 9, UDP)
    assert not allows(some, "h1", "h2", 9, TCP)
    assert allows(some, "h1", "h3", 9, TCP)


def test_tenants_reach_what_is_shared_and_not_each_other() -> None:
    some = policy("kind: tenants\nname: t\ntenants: {red: [h1, h2], blue: h5}\nshared: h16\n")
    assert allows(some, "h1", "h2", 80)
    assert not allows(some, "h1", "h5", 80)
    assert not allows(some, "h5", "h2", 80)
    assert allows(some, "h1", "h16", 80)
    assert allows(some, "h16", "h5", 80)


def test_the_order_of_files_and_documents_means_nothing() -> None:
    texts = {path.name: path.read_text() for path in sorted(EXAMPLES.glob("d*.yaml"))} | {
        "service.yaml": TEMPLATES["service"]
    }
    forth, back = (parse_policy(dict(order), INVENTORY) for order in (texts.items(), reversed(texts.items())))
    assert forth == back
    assert forth.version == version_of(forth)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_example_opens_with_what_it_says_and_travels_unchanged(path: Path) -> None:
    assert path.read_text().startswith("# ")
    some = read_policy([path], INVENTORY)
    assert read(write(some)) == some
    assert some.expectations


def test_there_are_ten_examples_at_least() -> None:
    assert len(list(EXAMPLES.glob("*.yaml"))) >= 10


def test_every_kind_has_a_template_that_can_be_read() -> None:
    assert TEMPLATES.keys() == KEYS.keys()
    for text in TEMPLATES.values():
        policy(text)


def test_where_it_was_written_makes_no_other_policy_of_it() -> None:
    one = parse_policy({"a.yaml": TEMPLATES["tenants"]}, INVENTORY)
    other = parse_policy({"b.yaml": "\n\n" + TEMPLATES["tenants"]}, INVENTORY)
    assert one.version == other.version


ACCESS = "kind: access\nname: a\nclauses:\n  - "


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "kind: acces\nname: a\n",
            "test.yaml:1:7 key 'kind': there is no kind 'acces'; did you mean 'acc",
        ),
        ("kind: access\nname: a\nclause: []\n", "'clause': is not a key here; did you mean 'clauses'?"),
        ("name: a\n", "'kind' is missing"),
        (ACCESS + "deny: {form: h1}\n", "'form': is not a key here; did you mean 'from'?"),
        (ACCESS + "deny: {from: h17}\n", "there is no group, host or port 'h17'; did you mean 'h"),
        (
            ACCESS + "deny: {from: 10.0.0.1/24}\n",
            "has bits beyond its length; did you mean 10.0.0.0/24?",
        ),
        (ACCESS + "deny: {from: 10.0.0.999}\n", "'10.0.0.999' is no address or prefix"),
        (ACCESS + "deny: {from: []}\n", "names nobody"),
        (ACCESS + "deny: {from: 'label:x'}\n", "no host has the label 'x'"),
        (ACCESS + "deny: {protocol: tpc}\n", "there is no protocol 'tpc'; did you mean 'tcp'?"),
        (ACCESS + "deny: {protocol: arp}\n", "ARP is no policy's concern"),
        (ACCESS + "deny: {protocol: icmp, ports: 80}\n", "packets of protocol icmp have no ports"),
        (ACCESS + "deny: {ports: 90-80}\n", "90-80 runs backwards; did you mean 80-90?"),
        (ACCESS + "deny: {ports: 70000}\n", "needs numbers from 0 to 65535"),
        (ACCESS + "{allow: {from: h1}, deny: {from: h2}}\n", "needs either 'allow' or 'deny'"),
        (ACCESS + "{deny: {from: h1}, replies: true}\n", "belongs to 'allow'"),
        (ACCESS + "{allow: {from: h1}, log: true}\n", "belongs to 'deny'"),
        ("kind: access\nname: a\nprecedence: 1001\nclauses: []\n", "needs a number from 0 to 1000, not 1001"),
        ("kind: access\nname: a\nclauses: []\ndefault: deny\n", "says nothing without 'between'"),
        ("kind: groups\nname: g\ngroups: {a: b, b: a}\n", "group 'a' holds itself: a -> b -> a"),
        ("kind: groups\nname: g\ngroups: {a: []}\n", "has no members"),
        (
            "kind: tenants\nname: t\ntenants: {a: 10.0.0.0/8, b: [10.1.0.0/16]}\n",
            "10.1.0.0/16 belongs to tenant 'a'",
        ),
        ("kind: service\nname: s\nto: h1\n", "serves nobody otherwise"),
        ("kind: service\nname: s\nto: h1\ndscp: AF44\n", "there is no DSCP 'AF44'; did you mean 'AF4"),
        ("kind: expect\nname: e\nexpect: [{from: h1, to: h2, must: rech}]\n", "did you mean 'reach'?"),
        ("kind: expect\nname: e\nexpect: [{from: h1, to: h2, must: pass}]\n", "belong together"),
        (
            "kind: expect\nname: e\nexpect: [{from: h1, to: h2, must: pass, through: s99}]\n",
            "there is no switch 's99'",
        ),
        (
            "kind: expect\nname: e\nexpect: [{from: 9.9.9.9, to: h2, must: reach}]\n",
            "no host is there",
        ),
        ("a: &x [1]\nb: *x\n", "aliases are not allowed"),
        ("a: [\n", "is not YAML"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(text: str, said: str) -> None:
    assert said in complaint(text)


def test_all_that_is_wrong_is_told_and_not_only_the_first_thing() -> None:
    with pytest.raises(Problems) as found:
        policy(
            ACCESS + "deny: {from: h17}\n---\nkind: acces\nname: b\n---\nkind: access\nname: a\nclauses: []\n"
        )
    assert len(found.value.found) == 3


def test_documents_of_one_precedence_that_disagree_are_refused_with_both_places() -> None:
    allow = "kind: access\nname: yes\nclauses: [{allow: {to: 10.1.0.0/16, protocol: tcp, ports: 1-100}}]\n"
    deny = "kind: access\nname: no\n%sclauses:\n  - deny: {from: h1, protocol: tcp, ports: 80-90}\n"
    said = complaint(allow + "---\n" + deny % "")
    assert "no denies tcp 10.0.0.2:0 -> 10.1.0.0:80, which yes (test.yaml:3) allows" in said
    assert said.startswith("test.yaml:8")
    policy(allow + "---\n" + deny % "precedence: 101\n")
    policy(allow + "---\n" + (deny % "").replace("80-90", "200"))


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    large = tmp_path / "large.yaml"
    large.write_bytes(b"#" * (MAX_FILE_BYTES + 1))
    with pytest.raises(Problems, match="is larger than"):
        read_policy([large], INVENTORY)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(OperatorError, match=r"no \.yaml file"):
        read_policy([empty], INVENTORY)


MARKS = list("[]{}:,-&*!|>'#\n ")
NAMES = ["kind", "access", "name", "a", "clauses", "deny", "allow", "from", "h1", "any", "not"]
WORDS = st.sampled_from([*MARKS, *NAMES])


@settings(max_examples=200, deadline=None)
@given(st.lists(WORDS, max_size=30).map("".join) | st.text(max_size=40))
def test_whatever_is_written_is_a_policy_or_an_error_that_says_what_is_wrong(text: str) -> None:
    assert all("\n" not in each.text() for each in problems(text))


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(EXAMPLES.glob("*.yaml"))), st.randoms(use_true_random=False))
def test_an_example_with_a_slip_of_the_pen_is_a_policy_or_an_error(path: Path, chance: Random) -> None:
    text = path.read_text()
    at = chance.randrange(len(text))
    slip = chance.choice(["", "x", " ", "\n", ":", "[", "0"])
    assert all(each.file == "test.yaml" for each in problems(text[:at] + slip + text[at + 1 :]))
