class Router:
    def __init__(self):
        self._routes = []

    def add(self, pattern, name):
        self._routes.append((pattern.split("/"), name))
        self._routes.sort(key=lambda route: [_rank(part) for part in route[0]])

    def match(self, path):
        parts = path.split("/")
        for pattern, name in self._routes:
            if len(pattern) == len(parts) and (found := _values(pattern, parts)) is not None:
                return name, found
        return None


def _rank(part):
    return 0 if not part.startswith("<") else 1 if part.endswith(":int>") else 2


def _values(pattern, parts):
    found = {}
    for wanted, given in zip(pattern, parts):
        rank = _rank(wanted)
        if rank == 0 and wanted != given or rank and not given or rank == 1 and not given.isdecimal():
            return None
        if rank == 1:
            found[wanted[1:-5]] = int(given)
        elif rank == 2:
            found[wanted[1:-1]] = given
    return found
