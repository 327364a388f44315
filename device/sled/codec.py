"""COBS and CRC-32 in place, and the fields of a frame: nothing here allocates.

Formulas: Cheshire & Baker, "Consistent Overhead Byte Stuffing"; CRC-32 of zlib, byte by byte. Machine
code on the chip and plain Python elsewhere give the same results: the register is a signed int that
starts at -1, and the table is signed, since the chip's pointers load signed words.
"""

from array import array

from . import layout

try:
    import micropython
    from micropython import const
except ImportError:  # CPython: the simulator runs these files as they are
    from .cpython import const, micropython, ptr8, ptr16, ptr32

BAD_COBS = const(-1)  # no encoder makes these bytes
SHORT = const(-2)  # no room for kind, flags and CRC
OVERSIZED = const(-3)  # more bytes than any frame has
BAD_CRC = const(-4)


def _crc_table():
    # CRC of each byte, by zlib's reflected polynomial 0xEDB88320, as signed words.
    table = array("i", bytearray(4 * 256))
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0xEDB88320 if crc & 1 else 0)
        table[byte] = crc - ((crc >> 31) << 32)
    return table


_CRC_TABLE = _crc_table()


def decode(buf: bytearray, n: int) -> int:
    """Turn `n` received bytes (without the closing zero) into kind, flags and body, in place.

    Returns how many bytes these have, or one of the negative codes above.
    """
    if n > layout.ENCODED_BYTES_MAX:
        return OVERSIZED
    end = _unstuff(buf, n)
    if end < 0:
        return end
    end -= layout.CRC_BYTES
    if end < layout.HEADER_BYTES:
        return SHORT
    if _mix_crc(buf, end, _CRC_TABLE):
        return BAD_CRC
    return end


def encode(src: bytearray, n: int, dst: bytearray, at: int = 0) -> int:
    """Write the frame of kind, flags and body, `src[0:n]`, with its closing zero to `dst[at:]`.

    Uses the four bytes of `src` behind `n`. Returns how many bytes were written, 0 if `n` is no frame's.
    """
    if n < layout.HEADER_BYTES or n > layout.FRAME_BYTES_MAX - layout.CRC_BYTES:
        return 0
    put_i32(src, n, 0)
    _mix_crc(src, n, _CRC_TABLE)
    return _stuff(src, n + layout.CRC_BYTES, dst, at)


@micropython.viper
def _mix_crc(buf: ptr8, end: int, table: ptr32) -> int:
    # XORs the CRC of buf[0:end] into the four bytes behind: zeros become the CRC, the right CRC
    # becomes zeros. Returns the OR of the four, so 0 means right. As one number it would not be small.
    crc = -1
    i = 0
    while i < end:
        crc = table[(crc ^ buf[i]) & 255] ^ ((crc >> 8) & 0xFFFFFF)
        i += 1
    rest = 0
    end += 4
    while i < end:
        byte = (buf[i] ^ crc ^ 0xFF) & 0xFF
        buf[i] = byte
        rest |= byte
        crc >>= 8
        i += 1
    return rest


@micropython.viper
def _unstuff(buf: ptr8, n: int) -> int:
    # In place: what is written always lies behind what is still to be read. A frame has at most 254
    # bytes, so a block of 254 without a zero is always the last and COBS's rule for it never applies.
    read = 0
    write = 0
    while read < n:
        code = buf[read]
        block_end = read + code
        if code == 0 or block_end > n:
            return BAD_COBS
        read += 1
        while read < block_end:
            byte = buf[read]
            if byte == 0:
                return BAD_COBS
            buf[write] = byte
            write += 1
            read += 1
        if read < n:
            buf[write] = 0
            write += 1
    return write


@micropython.viper
def _stuff(src: ptr8, n: int, dst: ptr8, at: int) -> int:
    code_at = at
    write = at + 1
    code = 1
    read = 0
    while read < n:
        byte = src[read]
        read += 1
        if byte:
            dst[write] = byte
            write += 1
            code += 1
        else:
            dst[code_at] = code
            code_at = write
            write += 1
            code = 1
    dst[code_at] = code
    dst[write] = 0
    return write + 1 - at


@micropython.viper
def get_u16(buf: ptr8, off: int) -> int:
    return buf[off] | (buf[off + 1] << 8)


@micropython.viper
def get_i16(buf: ptr8, off: int) -> int:
    high = buf[off + 1]
    return buf[off] | ((high - ((high & 0x80) << 1)) << 8)


@micropython.viper
def get_u32(buf: ptr8, off: int) -> int:
    # Above 2**30-1 (no quantity goes there) that value is returned: a greater one would need an object.
    top = buf[off + 3]
    if top > 0x3F:
        return 0x3FFFFFFF
    return buf[off] | (buf[off + 1] << 8) | (buf[off + 2] << 16) | (top << 24)


@micropython.viper
def get_i32(buf: ptr8, off: int) -> int:
    # Brought to -2**30 ... 2**30-1, as in get_u32: what lies outside stays outside every range.
    top = buf[off + 3]
    top -= (top & 0x80) << 1
    if top > 0x3F:
        return 0x3FFFFFFF
    if top < -0x40:
        return -0x3FFFFFFF - 1
    return buf[off] | (buf[off + 1] << 8) | (buf[off + 2] << 16) | (top << 24)


@micropython.viper
def put_u16(buf: ptr8, off: int, value: int) -> int:
    # Signed or unsigned: the same bytes. Returns the offset behind, like all that write.
    buf[off] = value & 0xFF
    buf[off + 1] = (value >> 8) & 0xFF
    return off + 2


@micropython.viper
def put_i32(buf: ptr8, off: int, value: int) -> int:
    # Signed or unsigned: the same bytes.
    buf[off] = value & 0xFF
    buf[off + 1] = (value >> 8) & 0xFF
    buf[off + 2] = (value >> 16) & 0xFF
    buf[off + 3] = (value >> 24) & 0xFF
    return off + 4


@micropython.viper
def copy_words(buf: ptr8, off: int, words: ptr16, first: int, count: int) -> int:
    # 16-bit words, such as samples of the ring, into the frame.
    end = first + count
    while first < end:
        word = words[first]
        buf[off] = word & 0xFF
        buf[off + 1] = word >> 8
        off += 2
        first += 1
    return off
