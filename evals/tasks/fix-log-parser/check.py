import parse

assert parse.level("E1000 boom") == "error" and parse.level("E0001 x") == "info" and parse.level("E1900 x") == "fatal"
assert parse.level("") == "unknown" and parse.level("no code here") == "unknown" and parse.level("E9999 x") == "unknown"
assert parse.level("E0500 x") == "warning"
