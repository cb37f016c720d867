WORKERS = [{"name": "mail", "count": 2}, {"name": "images", "count": 1}]
LOAD = """
from load import load

try:
    answers.append(load({path!r}))
except ValueError as error:
    answers.append("ValueError: " + str(error))
"""


def check(project):
    [config] = project.answers(LOAD.format(path="config.toml"))
    assert config["server"]["host"] == "0.0.0.0" and config["server"]["port"] == 8080
    assert config["database"]["url"] == "postgres://db/app" and 5 in config["database"].values()
    assert config["workers"] == WORKERS
    good = project.text("config.toml")
    for wrong, key in ((good.replace("8080", "0"), "port"), (good.replace("count = 2", "count = 0"), "count")):
        project.write("bad.toml", wrong)
        [said] = project.answers(LOAD.format(path="bad.toml"))
        assert said.startswith("ValueError: ") and key in said, said
