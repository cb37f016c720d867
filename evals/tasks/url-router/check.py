from router import Router

router = Router()
router.add("/runs/<id:int>", "show")
router.add("/runs/<word>", "other")
router.add("/runs/latest", "latest")
router.add("/runs/<id:int>/files/<path>", "file")
router.add("/", "home")
assert router.match("/runs/7") == ("show", {"id": 7})
assert router.match("/runs/latest") == ("latest", {})
assert router.match("/runs/seven") == ("other", {"word": "seven"})
assert router.match("/runs/7/files/a.txt") == ("file", {"id": 7, "path": "a.txt"})
assert router.match("/") == ("home", {})
assert router.match("/runs/7/") is None and router.match("/runs") is None and router.match("/runs/x/files/a") is None
