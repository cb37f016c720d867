import configparser
import hashlib
import sys
import time

SECONDS = 20

config = configparser.ConfigParser()
config.read("config.ini")
if config.get("build", "target", fallback="") != "release":
    sys.exit("config.ini: expected [build] with target = release")
seed = b"release"
for number in range(200):
    seed = hashlib.sha256(seed).digest()
    time.sleep(SECONDS / 200)
    print(f"step {number + 1} of 200", flush=True)
with open("result.txt", "w") as file:
    file.write(seed.hex())
