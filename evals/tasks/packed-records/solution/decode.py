import json
import struct
import sys
import zlib

with open(sys.argv[1], "rb") as file:
    data = file.read()
left_out = 1 if len(data) % 12 else 0
for at in range(0, len(data) - 11, 12):
    record, (crc,) = data[at:at + 8], struct.unpack(">I", data[at + 8:at + 12])
    if zlib.crc32(record) != crc:
        left_out += 1
        continue
    time, tenths, number = struct.unpack(">IhH", record)
    print(json.dumps({"time": time, "celsius": tenths / 10, "id": number}))
print(f"left out: {left_out}", file=sys.stderr)
