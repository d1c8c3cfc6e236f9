# SPDX-License-Identifier: Apache-2.0
"""The one exception a user can cause."""


class InputError(Exception):
    """Bad input: the message names the file or key, what was found and what was expected.

    The command line prints the message alone and exits with code 2; nothing has been written.
    """
