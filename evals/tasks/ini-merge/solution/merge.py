import configparser
import sys


def read(path):
    parser = configparser.RawConfigParser()
    parser.optionxform = str
    with open(path) as file:
        parser.read_file(file)
    return parser


base, override = read(sys.argv[1]), read(sys.argv[2])
for section in override.sections():
    if not base.has_section(section):
        base.add_section(section)
    for key, value in override.items(section):
        if value == "-":
            base.remove_option(section, key)
        else:
            base.set(section, key, value)
base.write(sys.stdout)
