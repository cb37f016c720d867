import json
import struct
import zlib


def check(project):
    done = project.python("decode.py", "sensor.bin")
    rows = [json.loads(line) for line in done.out.splitlines()]
    assert len(rows) == 47 and rows[0] == {"time": 1000, "celsius": -10.0, "id": 0}, rows[:2]
    assert rows[-1]["time"] == 1049 and all(row["time"] not in (1013, 1014, 1030) for row in rows)
    assert "4" in done.err, done.err
    record = struct.pack(">IhH", 5, 215, 9)
    project.write("t.bin", record + struct.pack(">I", zlib.crc32(record)))
    assert json.loads(project.python("decode.py", "t.bin").out) == {"time": 5, "celsius": 21.5, "id": 9}
