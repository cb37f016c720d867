ROUTES = {
    "/runs/<id:int>": "show", "/runs/<word>": "other", "/runs/latest": "latest",
    "/runs/<id:int>/files/<path>": "file", "/": "home",
}
MATCHES = {
    "/runs/7": ["show", {"id": 7}], "/runs/latest": ["latest", {}], "/runs/seven": ["other", {"word": "seven"}],
    "/runs/7/files/a.txt": ["file", {"id": 7, "path": "a.txt"}], "/": ["home", {}],
    "/runs/7/": None, "/runs": None, "/runs/x/files/a": None,
}


def check(project):
    found = project.answers(f"""
from router import Router

router = Router()
for pattern, name in {ROUTES}.items():
    router.add(pattern, name)
answers += [router.match(path) for path in {list(MATCHES)}]
""")
    assert found == list(MATCHES.values()), found
