"""Writes the task's files: `python3 generate.py FOLDER`. The same ones each time."""

import pathlib
import sys

folder = pathlib.Path(sys.argv[1])
import struct
import zlib

data = b""
for number in range(50):
    record = struct.pack(">IhH", 1000 + number, -100 + number * 3, number)
    crc = zlib.crc32(record) ^ (number in (13, 14, 30))
    data += record + struct.pack(">I", crc)
(folder / "sensor.bin").write_bytes(data + b"half a")
