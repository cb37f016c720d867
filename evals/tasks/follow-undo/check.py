def check(project):
    assert project.answers("""
import convert

answers += [hasattr(convert, "to_kelvin"), convert.to_celsius(212), convert.to_fahrenheit(0)]
""") == [False, 100, 32]
