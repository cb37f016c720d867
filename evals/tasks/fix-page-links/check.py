import re


def check(project):
    page = project.text("handbook.html")
    ids, links = re.findall(r'id="([^"]+)"', page), re.findall(r'href="#([^"]+)"', page)
    assert len(ids) == 120 and ids == [f"section-{number}" for number in range(120)]
    assert len(links) == 120 and sorted(links) == sorted(ids)
