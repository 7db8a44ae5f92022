"""What is written is read again, by mipsh and by tshark."""

import shutil
import subprocess
from io import BytesIO
from pathlib import Path

import pytest
from capture_samples import ETHERNET_FRAME, PACKET, TIME_NS, read
from hypothesis import given
from hypothesis import strategies as st

from mipsh.captures.frames import Frame
from mipsh.captures.writer import Writer

frames = st.builds(
    Frame,
    st.integers(0, (1 << 63) - 1),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=15),
    st.just(0),
    st.binary(max_size=200),
    st.sampled_from((1, 101, 229, 276)),
    st.sampled_from((None, False, True)),
)


def written(*wanted: Frame) -> bytes:
    """Return a capture of frames."""
    out = BytesIO()
    writer = Writer(out.write)
    for frame in wanted:
        writer.frame(frame)
    assert writer.frames == len(wanted)
    return out.getvalue()


@given(st.lists(frames, max_size=12), st.integers(0, 99))
def test_what_is_written_is_read(wanted: list[Frame], more: int) -> None:
    """Every frame, with its time to the nanosecond, its interface and its direction."""
    whole = [
        Frame(one.time_ns, one.interface, len(one.data) + more, one.data, one.link_type, one.outgoing) for one in wanted
    ]
    assert read(written(*whole)) == whole


def test_a_frame_without_a_time_has_the_first_one() -> None:
    """There is no way to say that it has none."""
    (frame,) = read(written(Frame(None, "", 1, b"x", 1)))
    assert frame.time_ns == 0


def test_tshark_reads_it(tmp_path: Path) -> None:
    """Times, names of interfaces, and packets that it finds nothing wrong with."""
    if shutil.which("tshark") is None:
        pytest.skip("tshark is not installed")
    path = tmp_path / "it.pcapng"
    second = Frame(TIME_NS + 1, "mip0", len(PACKET), PACKET, 229)
    path.write_bytes(written(Frame(TIME_NS, "eth0", len(ETHERNET_FRAME), ETHERNET_FRAME, 1, True), second))
    fields = ("frame.time_epoch", "frame.interface_name", "mip6.mhtype", "_ws.malformed")
    words = [word for field in fields for word in ("-e", field)]
    done = subprocess.run(
        ["tshark", "-n", "-r", str(path), "-T", "fields", *words], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["1700000000.123456789\teth0\t2\t", "1700000000.123456790\tmip0\t2\t"]
