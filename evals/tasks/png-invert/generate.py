"""Writes the task's files: `python3 generate.py FOLDER`. The same ones each time."""

import pathlib
import sys

folder = pathlib.Path(sys.argv[1])
import struct
import zlib


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


rows = [bytes((x * 16 + y * 3) % 256 for x in range(16)) for y in range(10)]
raw, before = b"", bytes(16)
for y, row in enumerate(rows):  # no filter, then the difference to the left, then to the row above
    kind = y % 3
    left = bytes([0]) + row[:-1]
    raw += bytes([kind]) + bytes((v - (0, left[x], before[x])[kind]) % 256 for x, v in enumerate(row))
    before = row
header = struct.pack(">IIBBBBB", 16, 10, 8, 0, 0, 0, 0)
png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")
(folder / "in.png").write_bytes(png)
