import json
import pathlib
import struct
import subprocess
import zlib

out = subprocess.run(["python3", "decode.py", "sensor.bin"], capture_output=True, text=True)
rows = [json.loads(line) for line in out.stdout.splitlines()]
assert len(rows) == 47 and rows[0] == {"time": 1000, "celsius": -10.0, "id": 0}, rows[:2]
assert rows[-1]["time"] == 1049 and all(row["time"] not in (1013, 1014, 1030) for row in rows)
assert "4" in out.stderr, out.stderr
record = struct.pack(">IhH", 5, 215, 9)
pathlib.Path("t.bin").write_bytes(record + struct.pack(">I", zlib.crc32(record)))
out = subprocess.run(["python3", "decode.py", "t.bin"], capture_output=True, text=True)
assert json.loads(out.stdout) == {"time": 5, "celsius": 21.5, "id": 9}
