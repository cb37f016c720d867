import sys


def counted(data):
    return data.count(b"\n"), len(data.split()), len(data)


def main(names):
    status, rows = 0, []
    for name in names or ["-"]:
        try:
            data = sys.stdin.buffer.read() if name == "-" else open(name, "rb").read()
        except OSError as error:
            print(f"wc: {name}: {error.strerror}", file=sys.stderr)
            status = 1
            continue
        rows.append((*counted(data), name))
    if len(names) > 1:
        rows.append((*(sum(row[i] for row in rows) for i in range(3)), "total"))
    for row in rows:
        print(*row)
    return status


sys.exit(main(sys.argv[1:]))
