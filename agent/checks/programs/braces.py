"""Files in TypeScript or JSX whose braces do not match: what can be told for sure without their compiler.

Only braces: the text between JSX tags may hold a lone bracket or quote, never a lone brace.
"""

import re
import sys

WORDS_BEFORE_AN_EXPRESSION = {"return", "case", "typeof", "in", "of", "from", "import", "export", "await", "default"}
REGEX = re.compile(r"/(?![/*])(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/")
STRING = {quote: re.compile(rf"{quote}(?:[^{quote}\\\n]|\\(?:.|\n))*{quote}") for quote in "'\""}
SKIPPED = re.compile(r"(?<!:)//[^\n]*|/\*.*?\*/", re.DOTALL)
WORD = re.compile(r"\w+$")
TEMPLATE = "`"


def mismatch(text: str) -> "tuple[int, str] | None":
    """Where, and what."""
    waiting: list[tuple[str, int]] = []
    at = 0
    while at < len(text):
        character = text[at]
        if waiting and waiting[-1][0] == TEMPLATE:
            if character == "\\":
                at += 1
            elif character == TEMPLATE:
                waiting.pop()
            elif text.startswith("${", at):
                waiting.append(("{", at))
                at += 1
        elif found := SKIPPED.match(text, at) or _literal(text, at):
            at = found.end() - 1
        elif text.startswith("/*", at):
            return at, "a comment is not closed"
        elif character in "{" + TEMPLATE:
            waiting.append((character, at))
        elif character == "}":
            if not waiting:
                return at, "a } closes nothing"
            waiting.pop()
        at += 1
    return (waiting[-1][1], f"a {waiting[-1][0]} is not closed") if waiting else None


def _literal(text: str, at: int) -> "re.Match[str] | None":
    """A string or a regular expression that starts here."""
    before = text[max(0, at - 40) : at].rstrip(" \t")
    word = WORD.search(before)
    after_word = word is not None and word.group() not in WORDS_BEFORE_AN_EXPRESSION
    if text[at] in STRING:
        # In "don't" it is an apostrophe.
        return None if after_word and text[at - 1].isalnum() else STRING[text[at]].match(text, at)
    if text[at] == "/" and not after_word and (not before or before[-1] in "(,=:[!&|?;{+-*%\n" or word is not None):
        return REGEX.match(text, at)
    return None


for path in sys.argv[1:]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read()
    except OSError as error:
        print(f"? {path[2:]}: {error.strerror}")
        continue
    if found := mismatch(text):
        print(f"! {path[2:]}:{text.count(chr(10), 0, found[0]) + 1}: {found[1]}")
