import ast

NETS = (0, 10, 999)


def check(project):
    assert project.is_unchanged("test_rates.py") and project.python("-m", "unittest", "test_rates").code == 0
    source = project.text("rates.py")
    names = [node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    assert len(names) == 150 and len(source.splitlines()) > 600
    found = project.answers(f"""
import rates

answers += [[getattr(rates, f"region_{{number:03}}")(net) for net in {NETS}] for number in range(150)]
""")
    assert found == [[round(net * (100 + number % 27) / 100, 2) for net in NETS] for number in range(150)]
