import configparser
import hashlib
import pathlib

config = configparser.ConfigParser()
config.read("config.ini")
assert config["build"]["target"] == "release"
seed = b"release"
for _ in range(200):
    seed = hashlib.sha256(seed).digest()
assert pathlib.Path("result.txt").read_text() == seed.hex()
