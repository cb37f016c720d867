import struct
import zlib

MOST = 1_000_000  # bytes: a picture of a few pixels


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def pixels(png):
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    at, idat, width, height = 8, b"", 0, 0
    while at < len(png):
        (size,), kind = struct.unpack(">I", png[at:at + 4]), png[at + 4:at + 8]
        data = png[at + 8:at + 8 + size]
        assert struct.unpack(">I", png[at + 8 + size:at + 12 + size])[0] == zlib.crc32(kind + data), kind
        if kind == b"IHDR":
            width, height = struct.unpack(">II", data[:8])
        if kind == b"IDAT":
            idat += data
        at += 12 + size
    raw, rows, before = zlib.decompressobj().decompress(idat, MOST), [], bytes(width)
    for y in range(height):
        line = bytearray(raw[y * (width + 1) + 1:(y + 1) * (width + 1)])
        for x in range(width):
            a, b, c = (line[x - 1] if x else 0), before[x], (before[x - 1] if x else 0)
            p = a + b - c
            paeth = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
            line[x] = (line[x] + [0, a, b, (a + b) // 2, paeth][raw[y * (width + 1)]]) % 256
        rows.append(bytes(line))
        before = bytes(line)
    return rows


def inverted(rows):
    return [bytes(255 - value for value in row) for row in rows]


def check(project):
    assert project.is_unchanged("in.png")
    assert pixels(project.content("out.png")) == inverted(pixels(project.before["in.png"]))
    rows = [bytes((x * y * 7) % 256 for x in range(9)) for y in range(5)]
    header, raw = struct.pack(">IIBBBBB", 9, 5, 8, 0, 0, 0, 0), b"".join(bytes([0]) + row for row in rows)
    pieces = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")
    project.write("t.png", b"\x89PNG\r\n\x1a\n" + pieces)
    assert project.python("invert.py", "t.png", "u.png").code == 0
    assert pixels(project.content("u.png")) == inverted(rows)
