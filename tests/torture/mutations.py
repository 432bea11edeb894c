"""How text, JSON and TOML are mutated."""

from __future__ import annotations

import random
from typing import Any

CHARACTERS = "CNOSPFIclnos()[]=#@+-/\\%123456789.:~*$|{}<>&;, \t\"'\x00\x1b\u00e9\u2212Hh"
ODD = (None, True, -1, 0, 1e300, "", "x", "../../etc", [], {}, [1], {"a": 1}, "\x1b[31m", "9" * 40)


def mutated(rng: random.Random, text: str, others: list[str]) -> str:
    """Return ``text`` with one to four changes: characters put in, taken out, doubled, or parts of another line."""
    for _ in range(rng.choice((1, 1, 2, 4))):
        at = rng.randrange(len(text) + 1)
        way = rng.randrange(6)
        if way == 0:
            text = text[:at] + rng.choice(CHARACTERS) + text[at:]
        elif way == 1:
            text = text[:at] + text[at + rng.choice((1, 2, 5)) :]
        elif way == 2:
            text = text[:at] + rng.choice(CHARACTERS) + text[at + 1 :]
        elif way == 3:
            text = text[:at] + text[max(0, at - 6) : at] + text[at:]
        elif way == 4:
            other = rng.choice(others) or "C"
            text = text[:at] + other[rng.randrange(len(other)) :][:20]
        else:
            text = text.swapcase() if rng.random() < 0.1 else text[::-1] if rng.random() < 0.1 else text
    return text


def odd(rng: random.Random, value: Any) -> Any:
    """Return a JSON value with one place in it changed, removed or of another kind."""
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = rng.choice(sorted(value))
        if rng.random() < 0.12:
            return {name: item for name, item in value.items() if name != key}
        if rng.random() < 0.08:
            return {**value, f"{key}x": rng.choice(ODD)}
        return {**value, key: odd(rng, value[key])}
    if isinstance(value, list) and value and rng.random() < 0.9:
        at = rng.randrange(len(value))
        return [*value[:at], odd(rng, value[at]), *value[at + 1 :]]
    return rng.choice(ODD)


def mutated_toml(rng: random.Random, text: str) -> str:
    lines = text.splitlines()
    if rng.random() < 0.3:
        at = rng.randrange(len(text))
        return text[:at] + rng.choice(CHARACTERS) + text[at + rng.choice((0, 1, 9)) :]
    for _ in range(rng.choice((1, 1, 3))):
        at = rng.randrange(len(lines))
        key, equals, _ = lines[at].partition("=")
        value = rng.choice(
            (
                '""',
                "-1",
                "0",
                "1e400",
                "nan",
                "true",
                "[]",
                "{}",
                '"../x"',
                "9" * 30,
                "[1, 'a']",
                "1979-05-27",
                '"\\u001b[31m"',
            )
        )
        lines[at] = (
            f"{key}= {value}" if equals and rng.random() < 0.8 else mutated(rng, lines[at] or "x", [text])
        )
    return "\n".join(lines).replace("\x00", "")
