import pathlib

from load import load

config = load("config.toml")
assert config["server"]["host"] == "0.0.0.0" and config["server"]["port"] == 8080
assert config["database"]["url"] == "postgres://db/app" and 5 in config["database"].values()
assert config["workers"] == [{"name": "mail", "count": 2}, {"name": "images", "count": 1}]
good = pathlib.Path("config.toml").read_text()
for wrong, key in ((good.replace("8080", "0"), "port"), (good.replace("count = 2", "count = 0"), "count")):
    pathlib.Path("bad.toml").write_text(wrong)
    try:
        load("bad.toml")
    except ValueError as error:
        assert key in str(error), error
    else:
        raise AssertionError(key)
