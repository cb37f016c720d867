import struct
import sys
import zlib


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def invert(png):
    at, idat, header = 8, b"", b""
    while at < len(png):
        size = struct.unpack(">I", png[at:at + 4])[0]
        kind, data = png[at + 4:at + 8], png[at + 8:at + 8 + size]
        if kind == b"IHDR":
            header = data
        elif kind == b"IDAT":
            idat += data
        at += 12 + size
    width, height = struct.unpack(">II", header[:8])
    raw, out, before = zlib.decompress(idat), b"", bytes(width)
    for y in range(height):
        kind, *line = raw[y * (width + 1):(y + 1) * (width + 1)]
        for x in range(width):
            a, b, c = (line[x - 1] if x else 0), before[x], (before[x - 1] if x else 0)
            p = a + b - c
            paeth = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
            line[x] = (line[x] + [0, a, b, (a + b) // 2, paeth][kind]) % 256
        before = bytes(line)
        out += b"\0" + bytes(255 - value for value in line)
    return png[:8] + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(out)) + chunk(b"IEND", b"")


with open(sys.argv[1], "rb") as file:
    result = invert(file.read())
with open(sys.argv[2], "wb") as file:
    file.write(result)
