import ast


def check(project):
    assert project.is_unchanged("test_shapes.py")
    done = project.python("-m", "unittest", "test_shapes")
    assert done.code == 0 and "Ran 3 tests" in done.err, done
    tree = ast.parse(project.text("shapes.py"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "round"]
    raises = [node for node in ast.walk(tree) if isinstance(node, ast.Raise)]
    assert len(calls) == 1 and len(raises) == 1, (len(calls), len(raises))
    assert project.answers("""
from shapes import circle, rectangle, square

answers += [circle(2), square(1.5), rectangle(2, 3.5), circle(0)]
answers += [tried(circle, -1), tried(square, -1), tried(rectangle, 1, -1)]
""") == [12.566, 2.25, 7, 0, *["ValueError"] * 3]
