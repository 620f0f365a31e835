"""What switches say, for hypothesis: truths of every kind, and lies that are made of them."""

from struct import pack

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.dataplane.pinned import flow_match
from controller.model.command import AddGroup, AddMeter, SetRule
from controller.model.flow import FlowRule
from controller.southbound import wire
from controller.southbound.encode import encode
from tests.searching import examples
from tests.southbound import strategies as model
from tests.southbound import switch_messages as switch


def _truthful_messages() -> list[bytes]:
    """One message at least of every kind that the guard knows, as a truthful switch would send it."""

    def installing(command: SetRule | AddGroup | AddMeter) -> bytes:
        return encode(command, 1)

    flows = [switch.flow_entry(installing(SetRule(rule))) for rule in examples_of(model.rules())]
    pins = [
        switch.flow_entry(installing(SetRule(FlowRule(4, 100, where))), packets, 64 * packets)
        for packets, key in enumerate(examples_of(model.flow_keys), start=1)
        if (where := flow_match(key)) is not None
    ]
    groups = [switch.group_entry(installing(AddGroup(group))) for group in examples_of(model.groups)]
    meters = [switch.meter_entry(installing(AddMeter(meter))) for meter in examples_of(model.meters)]
    table = pack("!HB5x32sQQII", 64 + 3 * 8, 0, b"t", 0, 0, 0, 0)
    table += pack("!HHHH", 0, 8, 1, 4) + pack("!HHHH", 4, 8, 0, 4) + pack("!HHI", 8, 8, 0x80000004)
    return [
        switch.hello(),
        switch.message(switch.ERROR, pack("!HH", 1, 1) + b"data"),
        switch.message(switch.ECHO_REQUEST, b"are you there"),
        switch.message(switch.ECHO_REPLY),
        switch.message(wire.EXPERIMENTER, pack("!II", 0x2320, 1) + b"data"),
        switch.features(1),
        switch.packet_in(3, b"a frame of some length, any bytes"),
        switch.message(wire.FLOW_REMOVED, bytes(40) + pack("!HH4x", 1, 4)),
        switch.port_status(2),
        *(switch.multipart(switch.FLOWS, each) for each in [*flows, b"".join(flows)]),
        switch.multipart(switch.FLOWS, b"".join(pins)),
        *(switch.multipart(switch.GROUP_DESCRIPTION, each) for each in [*groups, b"".join(groups)]),
        *(switch.multipart(switch.METER_CONFIG, each) for each in [meters[-1], b"".join(meters)]),
        switch.multipart(switch.PORT_DESCRIPTION, switch.port(1) + switch.port(2)),
        switch.multipart(switch.PORT_COUNTERS, switch.port_counters(1, 7)),
        switch.multipart(0, bytes(1056)),
        switch.multipart(6, pack("!H2xIIxxxxQQII", 56, 1, 0, 0, 0, 0, 0) + bytes(16)),
        switch.multipart(9, pack("!IH6xIQQII", 1, 56, 0, 0, 0, 0, 0) + bytes(16)),
        switch.multipart(12, table),
        switch.message(switch.BARRIER_REPLY),
        switch.message(wire.QUEUE_GET_CONFIG_REPLY, pack("!I4xIIH6xHH4xH6x", 1, 1, 1, 32, 1, 16, 10)),
        switch.message(wire.ROLE_REPLY, bytes(16)),
        switch.message(wire.GET_ASYNC_REPLY, bytes(24)),
        switch.message(wire.GET_CONFIG_REPLY, bytes(4)),
    ]


def examples_of(strategy: st.SearchStrategy[model.T], usual: int = 12) -> list[model.T]:
    """Some examples, the same on every run."""
    found: list[model.T] = []

    @settings(max_examples=examples(usual), database=None, derandomize=True)
    @given(strategy)
    def collect(value: model.T) -> None:
        found.append(value)

    collect()
    return found


TRUTHFUL = sorted(_truthful_messages())


@st.composite
def lies(draw: st.DrawFn, truths: st.SearchStrategy[bytes] | None = None) -> bytes:
    """A truthful message with some of its 16-bit numbers changed, or with bytes cut out or added.

    Lengths are 16-bit numbers at even places, and most lies are small: this is where parsers go wrong. The
    length in the message's own header stays right, or framing would have refused it.
    """
    message = bytearray(draw(st.sampled_from(TRUTHFUL) if truths is None else truths))
    for _ in range(draw(st.integers(1, 3))):
        at = 8 + 2 * draw(st.integers(0, max(0, len(message) - 10) // 2))
        what = draw(st.sampled_from(("zero", "zero", "small", "any", "cut", "add")))
        if what == "cut":
            del message[at : at + draw(st.integers(1, 24))]
        elif what == "add":
            message[at:at] = draw(st.binary(min_size=1, max_size=24))
        elif at + 2 <= len(message):
            highest = {"zero": 0, "small": 64, "any": 0xFFFF}[what]
            message[at : at + 2] = draw(st.integers(0, highest)).to_bytes(2)
    message[2:4] = len(message).to_bytes(2)
    return bytes(message)
