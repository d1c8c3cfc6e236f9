#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check_types.sh VENV: mypy --strict over package, tests, testbenches, benchmarks, proofs and the site's scripts. The package's flat folders are one
# import package, which mypy finds through a folder that holds them under that name.
set -eu
tree=build/types
mkdir -p "$tree"
ln -sfn ../.. "$tree/wsfracbnn"
MYPYPATH=$tree "$1/bin/mypy" --namespace-packages --explicit-package-bases \
    -p wsfracbnn.model -p wsfracbnn.gen -p wsfracbnn.cli -p wsfracbnn.tb -p wsfracbnn.tests -p wsfracbnn.benchmarks \
    -p wsfracbnn.package -p scripts.site -m scripts.verification -m scripts.coverage -p formal
