# SPDX-License-Identifier: Apache-2.0
"""`python -m wsfracbnn`, the same as `wsfracbnn`."""

from wsfracbnn.cli.app import main

main()
