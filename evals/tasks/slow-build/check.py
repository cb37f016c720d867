import configparser
import hashlib


def check(project):
    config = configparser.ConfigParser()
    config.read_string(project.text("config.ini"))
    assert config["build"]["target"] == "release"
    seed = b"release"
    for _ in range(200):
        seed = hashlib.sha256(seed).digest()
    assert project.text("result.txt") == seed.hex()
