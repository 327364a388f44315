# What the device's codec makes of given inputs, as plain lists: run on CPython by the tests, and as a
# script by MicroPython (`micropython codec_trace.py FOLDER INPUTS`), where FOLDER holds the package `sled`.


def encoded(codec, plain):
    src = bytearray(256)
    src[: len(plain)] = plain
    dst = bytearray(270)
    end = 5 + codec.encode(src, len(plain), dst, 5)
    return dst[5:end].hex() + "|" + dst[:5].hex() + dst[end:].hex()


def decoded(codec, received):
    buf = bytearray(received + b"\xa5" * 4)
    end = codec.decode(buf, len(received))
    return [end, buf[: max(end, 0)].hex(), buf[len(received) :].hex()]


def fields(codec, four, value):
    out = bytearray(9)
    codec.put_u16(out, 1, value)
    codec.put_i32(out, 4, value)
    read = [get(b"\x99" + four, 1) for get in (codec.get_u16, codec.get_i16, codec.get_u32, codec.get_i32)]
    return [out.hex(), read]


def copied(codec, array, words):
    out = bytearray(2 * len(words) + 2)
    ring = array("H", words)
    codec.copy_words(out, 1, ring, 1, len(words) - 1)
    return out.hex()


def trace(codec, array, inputs):
    return {
        "encoded": [encoded(codec, bytes.fromhex(plain)) for plain in inputs["plain"]],
        "decoded": [decoded(codec, bytes.fromhex(received)) for received in inputs["received"]],
        "fields": [fields(codec, bytes.fromhex(four), value) for four, value in inputs["fields"]],
        "copied": [copied(codec, array, words) for words in inputs["words"]],
    }


if __name__ == "__main__":
    import json
    import sys
    from array import array

    sys.path.insert(0, sys.argv[1])
    from sled import codec

    with open(sys.argv[2]) as file:
        print(json.dumps(trace(codec, array, json.load(file))))
