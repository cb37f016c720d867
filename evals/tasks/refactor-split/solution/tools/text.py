def slug(text):
    return "-".join(text.lower().split())


def words(text):
    return len(text.split())
