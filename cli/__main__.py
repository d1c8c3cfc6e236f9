# SPDX-License-Identifier: Apache-2.0
"""`python -m wsfracbnn.cli`, the same as `wsfracbnn`."""

from wsfracbnn.cli.app import main

main()
