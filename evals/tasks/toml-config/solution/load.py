import tomllib


def load(path):
    with open(path, "rb") as file:
        config = tomllib.load(file)
    if not 1 <= config["server"]["port"] <= 65535:
        raise ValueError("server.port must be 1 to 65535")
    for worker in config.get("workers", []):
        if worker["count"] < 1:
            raise ValueError("workers.count must be at least 1")
    return config
