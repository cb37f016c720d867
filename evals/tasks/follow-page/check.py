import re


def check(project):
    page = project.text("index.html")
    assert re.findall(r"<li>\s*([^<]+?)\s*</li>", page) == ["Soup", "Bread", "Pie"], page
    assert re.search(r"<footer>\s*Open daily\s*</footer>", page)
    assert page.count("<h1>Menu</h1>") == 1 and "<title>Menu</title>" in page
