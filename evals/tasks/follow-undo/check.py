import convert

assert not hasattr(convert, "to_kelvin")
assert convert.to_celsius(212) == 100 and convert.to_fahrenheit(0) == 32
