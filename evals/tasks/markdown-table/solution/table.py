def render(rows):
    if not rows:
        return ""
    names = list(rows[0])
    numeric = [all(isinstance(row.get(name), (int, float)) for row in rows if name in row) for name in names]
    body = [[str(row.get(name, "")).replace("|", "\\|") for name in names] for row in rows]
    widths = [max(3, len(name), *(len(row[i]) for row in body)) for i, name in enumerate(names)]

    def line(cells):
        padded = [c.rjust(w) if n else c.ljust(w) for c, w, n in zip(cells, widths, numeric)]
        return "| " + " | ".join(padded) + " |"

    rule = ["-" * (w - 1) + ":" if n else "-" * w for w, n in zip(widths, numeric)]
    return "\n".join([line(names), "| " + " | ".join(rule) + " |", *map(line, body)]) + "\n"
