# SPDX-License-Identifier: Apache-2.0
"""The one exception a user can cause, how text from outside is shown in it, and how a count is said."""

from __future__ import annotations

import reprlib

SENTENCE_LIMIT = 800
"""Characters of a message, of which the middle is left out beyond."""

SHOWN_LIMIT = 200
"""Characters of a value that a message quotes."""


class InputError(Exception):
    """Bad input: the message names the file or key, what was found and what was expected.

    The command line prints the message alone and exits with code 2; nothing has been written. Whatever a message quotes
    from outside, it stays one line of bounded length that a terminal shows as it is.

    Args:
        sentence: the message.
        detail: lines below it, such as the end of another program's log.
    """

    def __init__(self, sentence: str, detail: str = "") -> None:
        text = shortened(escaped(sentence), SENTENCE_LIMIT)
        super().__init__("\n".join([text, *map(escaped, detail.splitlines())]))


def escaped(text: str) -> str:
    """`text` on one line: what is not printable (control characters, lone surrogates) as backslash escapes."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def counted(number: int, noun: str) -> str:
    """'1 image', '2 images'."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def shortened(text: str, limit: int) -> str:
    """`text` with its middle left out where it has more than `limit` characters."""
    if len(text) <= limit:
        return text
    left_out = " [...] "
    tail = limit // 4
    return text[: limit - tail - len(left_out)] + left_out + text[-tail:]


class _Shown(reprlib.Repr):
    """Plain values as Python writes them, with few elements; of anything else its type alone."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel, self.maxstring, self.maxlong = 3, 60, 40
        self.maxlist = self.maxtuple = self.maxdict = self.maxset = 6

    def repr_int(self, x: int, level: int) -> str:
        return super().repr_int(x, level) if x.bit_length() < 1000 else f"an integer of {x.bit_length()} bits"

    def repr_instance(self, x: object, level: int) -> str:
        return repr(x) if x is None or isinstance(x, bool | float) else f"a {type(x).__name__}"


def shown(value: object) -> str:
    """A value from outside as a message quotes it: short, whatever it is."""
    return shortened(_SHOWN.repr(value), SHOWN_LIMIT)


_SHOWN = _Shown()
