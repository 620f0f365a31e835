"""Links: what two switches say of each other, and why a host cannot say it for them.

A hello (lldp.py) is signed over switch, port and nonce. A port that receives a good one has *heard* its
neighbour; two ports that have heard each other are a link (derive.py). A port's death ends its link at once;
a link that is not confirmed ages.

The attacker is a host, or several that work together, with full control over what leaves its own ports and
sight of all that arrives there. It cannot read the controller's key, nor the cables between switches. It may

    forge    make a hello of its own             the digest does not fit                     lldp-forged
    replay   send an old hello again             its nonce is spent, or was never given      lldp-replayed
    delay    send a hello after a while          its nonce is too old                        lldp-late
    reflect  send a hello back                   no port is its own neighbour                lldp-relayed
    relay    carry a fresh hello to an           a port where a host lives, or should live   lldp-relayed
             accomplice, who sends it at         by the blueprint, says no hello and
             once, and so both ways              believes none

Against relaying nothing cryptographic helps: the hello is genuine and young. What gives the relay away is
that its two ports are ports of hosts. With a blueprint that is known beforehand, and such a link is never
made. Without one it is known as soon as either host says anything at all (ARP, ND, DHCP, IP): a host that
speaks at a port that carries a link ends the link (`host-behind-link`).

What is left: on a fabric without blueprint, or at ports that the blueprint does not name, two hosts that say
nothing and answer nothing are a cable as far as anyone can tell. They can join their two ports, and see,
change or drop what is then sent across. They cannot speak for a third port, and not stay hidden once they
speak. Hosts that were known can fall silent to the same end: then they are asked first, and found gone.

A hello is too old after `nonce_life_s`; but one that was said in the very last turn is not late, however long
that turn took: the controller has not looked since.

One exception keeps honest fabrics up. For `link_grace_s` after a port has heard a hello, host frames at that
port prove nothing: before a link is known its port may pass for an edge port, and what is broadcast there
arrives at the neighbour as if a host had said it. A relaying host hides in that gap only if it keeps silent
for the rest of each interval.

A port that is linked stays with its neighbour until that evidence has aged: a second neighbour heard beside
it (`link-crowded`) is a hub, or somebody who wants the link to move.
"""

from __future__ import annotations

from controller.discovery.alarms import AlarmKind
from controller.discovery.derive import barred, is_silent, lived_at, meant_for_host, neighbour, unhear
from controller.discovery.draft import Draft
from controller.discovery.frames import Frame
from controller.discovery.hellos import hello, hello_anew, is_remembered, rest
from controller.discovery.inquiries import inquire
from controller.discovery.lldp import Advertisement, Refusal, nonce_in, verify
from controller.discovery.state import Heard, Purpose, Sent
from controller.model.finding import Severity
from controller.model.identity import PortRef
from controller.model.pacing import on_the_beat

_LOOK = "look at what is plugged into this port"


def hear_as_sent(draft: Draft, at: PortRef, content: bytes) -> bool:
    """Hear a frame that is, byte for byte, a hello that is still waited for; false for any other.

    The nonce finds the hello, and the comparison is stricter than the digest: there is nothing to verify.
    """
    nonce = nonce_in(content)
    sent = draft.nonces.get(nonce)
    if sent is None or sent.data != content or not is_remembered(draft, sent):
        return False
    _redeem(draft, at, nonce, sent)
    return True


def hear(draft: Draft, at: PortRef, frame: Frame) -> None:
    """An LLDP frame has arrived at a live port that is no hello as it was sent: see what is wrong with it."""
    said = verify(draft.settings.key, frame)
    if isinstance(said, Refusal):
        _turn_down(draft, at, said)
        return
    sent = _remembered(draft, at, said)
    if sent is not None:
        _redeem(draft, at, said.nonce, sent)


def _turn_down(draft: Draft, at: PortRef, refusal: Refusal) -> None:
    if refusal is Refusal.FOREIGN:
        draft.count("lldp-foreign")
        evidence = "LLDP of another system arrives at this port; it makes no link"
        draft.find_once(at, Severity.INFO, "lldp-foreign", evidence)
        return
    draft.count("lldp-forged")
    evidence = f"a discovery frame arrives at this port that the controller has not made: {refusal.value}"
    draft.find_once(at, Severity.WARNING, "lldp-forged", evidence, _LOOK)


def _remembered(draft: Draft, at: PortRef, said: Advertisement) -> Sent | None:
    """The hello as it was sent. None when its nonce was spent before, or was never given to that port."""
    place = PortRef(said.dpid, said.port)
    sent = draft.nonces.get(said.nonce)
    if sent is not None and sent.at == place and is_remembered(draft, sent):
        return sent
    draft.count("lldp-replayed")
    evidence = f"a discovery frame of {place} arrives at this port that was received before, or long ago"
    draft.find_once(at, Severity.WARNING, "lldp-replayed", evidence, _LOOK)
    return None


def _redeem(draft: Draft, at: PortRef, nonce: int, sent: Sent) -> None:
    """Spend the nonce; believe what the hello says, if it is young and credible."""
    draft.nonces.drop(nonce)
    age_s = draft.now_s - sent.at_s
    if age_s > draft.settings.nonce_life_s and sent.at_s < draft.looked_s:
        draft.count("lldp-late")
        evidence = f"a discovery frame of {sent.at} took {age_s:.1f} s to arrive: held back, or all is busy"
        draft.find_once(at, Severity.INFO, "lldp-late", evidence)
        hello(draft, sent.at)
    elif neighbour(draft, at) == sent.at:
        draft.heard.set(at, Heard(sent.at, draft.now_s))
    elif _is_credible(draft, at, sent.at):
        _believe(draft, at, sent.at)


def _is_credible(draft: Draft, at: PortRef, source: PortRef) -> bool:
    """Whether a fresh hello of `source`, heard at `at`, may be what the cable says."""
    if source == at:
        _tell_relayed(draft, at, "a discovery frame of this port comes back to it")
    elif meant_for_host(draft, at):
        _tell_relayed(draft, at, f"a discovery frame of {source} arrives where the blueprint places a host")
    elif lived_at(draft, at):
        _tell_relayed(draft, at, f"a discovery frame of {source} arrives where a host lives")
        doubt(draft, at)
    elif barred(draft, source) or source not in draft.ports:
        draft.count("lldp-overtaken")  # sent before the port became a host's or died; what it says is over
    else:
        return not _is_crowded(draft, at, source)
    return False


def _tell_relayed(draft: Draft, at: PortRef, evidence: str) -> None:
    draft.count("lldp-relayed")
    advice = "a host relays discovery frames, or a cable is plugged into the wrong port"
    draft.find_once(at, Severity.WARNING, "lldp-relayed", evidence, advice)


def _is_crowded(draft: Draft, at: PortRef, source: PortRef) -> bool:
    known = neighbour(draft, at)
    if known is None or known == source:
        return False
    draft.count("link-crowded")
    evidence = f"{source} is heard at this port, which is linked with {known}"
    draft.find_once(
        at, Severity.WARNING, "link-crowded", evidence, "look for a hub, or a moved cable, at this port"
    )
    return True


def _believe(draft: Draft, at: PortRef, source: PortRef) -> None:
    """What was heard is news: the two were no link before."""
    first = at not in draft.heard
    draft.heard.set(at, Heard(source, draft.now_s))
    draft.touched_ports.add(at)
    if first:
        expires_s = draft.now_s + draft.settings.link_timeout_s
        draft.wake_at(on_the_beat(expires_s), AlarmKind.HEARD, at)
    if neighbour(draft, at) == source:
        rest(draft, at)
        rest(draft, source)
    elif at.dpid == source.dpid:
        evidence = f"this port and {source} are two ends of one cable; it is not used"
        draft.find_once(at, Severity.WARNING, "looped-cable", evidence)
    elif not is_silent(draft, at, source):
        hello(draft, at)  # the neighbour has missed what was said before it listened


def doubt(draft: Draft, at: PortRef) -> None:
    """A neighbour is heard where stations live: ask those that have not spoken lately whether they still do.

    A station without known addresses is not asked: its silence would prove nothing.
    """
    before_s = draft.now_s - draft.settings.refuse_for_s
    for mac in sorted(draft.residents.get(at) or ()):
        station = draft.stations[mac]
        if station.present and station.shown_s and station.heard_s <= before_s:
            inquire(draft, station, Purpose.DOUBT)


def age(draft: Draft, at: PortRef) -> None:
    """Look whether what this port has heard is too old; if so its link is gone, and it asks anew."""
    known = draft.heard.get(at)
    if known is None:
        return
    expires_s = known.at_s + draft.settings.link_timeout_s
    if at.dpid in draft.lost or known.source.dpid in draft.lost:
        expires_s = draft.now_s + draft.settings.link_timeout_s  # nobody could have confirmed it
    if draft.now_s < expires_s:
        draft.wake_at(on_the_beat(expires_s), AlarmKind.HEARD, at)
        return
    unhear(draft, at)
    hello_anew(draft, at)


def in_grace(draft: Draft, at: PortRef) -> bool:
    """Whether a neighbour was heard here so recently that host frames prove nothing; for longer where its
    cable has fallen silent: what is still on its way then is what the neighbour forwards.
    """
    known = draft.heard.get(at)
    if known is None:
        return False
    return draft.now_s <= known.at_s + draft.settings.link_grace_s or is_silent(draft, at, known.source)
