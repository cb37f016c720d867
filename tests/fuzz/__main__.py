"""`make fuzz`: 20,000 requests that nobody should send, over all routes and raw sockets, at two real services.

`python -m tests.fuzz [--shots N] [--seed S]`. Ends with 1 where one was answered with 500 or not at all.
"""

import argparse
import secrets
import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz.places import development, production
from tests.fuzz.range import SHOWN, shoot
from tools.redis_server import RedisServer

SHOTS = 20_000


def main() -> int:
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--shots", type=int, default=SHOTS)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**9))
    args = parser.parse_args()
    print(f"seed {args.seed}")
    faults: list[str] = []
    with RedisServer() as redis, tempfile.TemporaryDirectory() as folder:
        for number, place in enumerate((development, production), start=1):
            with place(redis.database_url(number), Path(folder, place.__name__)) as (service, target):
                started = time.monotonic()
                tally = shoot(target, args.shots // 2, args.seed)
                alive = service.http.get("/healthz").status_code == 200
                crashes = service.log().count("request.crashed")
            print(f"{place.__name__}: {tally.shots} requests in {time.monotonic() - started:.0f} s: {tally}")
            faults += tally.faults
            if not alive or crashes:
                faults.append(f"{place.__name__}: alive {alive}, {crashes} crashes in the log")
    print(f"{len(faults)} answers of 500, hangs or crashes")
    print("\n".join(faults[:SHOWN]))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
