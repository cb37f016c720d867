def slug(text):
    return "-".join(text.lower().split())


def words(text):
    return len(text.split())


def mean(values):
    return sum(values) / len(values)


def spread(values):
    return max(values) - min(values)
