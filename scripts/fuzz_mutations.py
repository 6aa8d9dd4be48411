"""A mutator that damages files."""

from __future__ import annotations

import gzip
import random
import zlib

# What somebody would put in by hand: edges of numbers, marks of the formats, unusual characters.
_NUMBERS = [0, 1, -1, 2, 3, 2**31, 2**63 - 1, 2**63, 10**9, 10**18, 10**30, 10**400]
_MARKS = """2.5 1e5 NaN Infinity null true false "" {} [] : , ; % # c p s b v p~cnf p~hs p~xc p~tw s~td
"at_most" "exactly" "thresholds" "values" "activation":"sign" "errors":"min" "errors":{"exactly":1}
"count":2 "cube":0 "refuted":true "meta":{"a":[[[1]]]}"""
_CHARACTERS = ["\n", "\r", "\t", " ", "\x00", "\x0c", "\x1b[31m", "é", "\u202e", "\u2028", "\ufeff", "١", "²"]
_WORDS = [
    *(str(number).encode() for number in _NUMBERS),
    *(mark.replace("~", " ").encode() for mark in _MARKS.split()),
    *(character.encode() for character in _CHARACTERS),
    *(b"\xff\xfe", b"[" * 200, b'{"a":' * 200),
]


def mutated(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """The data damaged in one to four places; ``other`` lends parts."""
    for _ in range(chance.choice([1, 1, 1, 2, 2, 3, 4])):
        data = _mutated_once(data, other, chance)
    return data


def _mutated_once(data: bytes, other: bytes, chance: random.Random) -> bytes:
    i, j = sorted(chance.randint(0, len(data)) for _ in range(2))
    j = min(j, i + chance.choice([1, 2, 4, 8, 64, len(data)]))
    match chance.randrange(9):
        case 0:
            return data[:i] + data[j:]
        case 1:
            return data[:j] + data[i:j] * chance.choice([1, 1, 2, 3, 50]) + data[j:]
        case 2:
            return data[:i] + chance.choice(_WORDS) + data[i:]
        case 3:
            return data[:i] + chance.choice(_WORDS) + data[j:]
        case 4 if i < len(data):
            return data[:i] + bytes([data[i] ^ 1 << chance.randrange(8)]) + data[i + 1 :]
        case 5:
            return data[:i] + chance.randbytes(chance.choice([1, 2, 4, 8])) + data[j:]
        case 6:
            k = chance.randint(0, len(other))
            return data[:i] + other[k : k + j - i] + data[j:]
        case 7:
            return _another_number(data, chance)
        case _:
            return data[:i]


def _another_number(data: bytes, chance: random.Random) -> bytes:
    """A run of digits replaced by another number."""
    places = [i for i, byte in enumerate(data) if 48 <= byte <= 57]
    if not places:
        return data
    i = j = chance.choice(places)
    while j < len(data) and 48 <= data[j] <= 57:
        j += 1
    return data[:i] + str(chance.choice(_NUMBERS)).encode() + data[j:]


def damaged(data: bytes, other: bytes, chance: random.Random, *, packed: bool = False) -> bytes:
    """A mutation of a file, or, half of the time, of what a ``packed`` one unpacks to."""
    if packed and chance.random() < 0.5:
        try:
            return gzip.compress(mutated(gzip.decompress(data), gzip.decompress(other), chance), 1)
        except (OSError, EOFError, zlib.error):
            pass
    return mutated(data, other, chance)
