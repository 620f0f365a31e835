# One word for each habit; `make` alone lists them.

PYTHON_BIN := .venv/bin/python
TREADLE    := .venv/bin/treadle

SECONDS    ?= 60

.DEFAULT_GOAL := help
.PHONY: help setup python check test demo docs fuzz format clean
.PHONY: bench bench-healing bench-congestion bench-peers bench-failover bench-startup bench-programming bench-scale bench-reroute bench-discovery bench-farm bench-completion bench-placement bench-footprint bench-policies bench-verification bench-simulator
.PHONY: style format-check lint types fast-tests

help: ## list the habits
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1\t\2/p' Makefile | while IFS="$$(printf '\t')" read -r name purpose; do \
		printf '  make %-18s %s\n' "$$name" "$$purpose"; done

setup: ## install what is missing and start Open vSwitch (root)
	@scripts/setup all

python:
	@scripts/setup python

check: python ## format, lint, types, architecture and fast tests: no root, under a minute
	@$(MAKE) --no-print-directory --keep-going style
	@$(MAKE) --no-print-directory --keep-going --jobs=2 --output-sync=target types fast-tests

test: setup ## everything, on real Open vSwitch (root)
	@$(MAKE) --no-print-directory --keep-going style
	@$(MAKE) --no-print-directory types
	$(PYTHON_BIN) -m pytest -q -n auto -m "not emulation"
	$(PYTHON_BIN) -m pytest -m emulation

demo: setup ## a fabric comes up, carries traffic, loses a link and heals (root)
	@mkdir -p out/demo
	$(TREADLE) demo --json out/demo/report.json

bench: bench-failover bench-startup bench-programming bench-scale bench-reroute bench-discovery bench-farm bench-completion bench-placement bench-footprint bench-policies bench-verification bench-simulator ## every measurement but bench-healing and bench-congestion, which take an hour each (root)

bench-healing: setup ## how long it is dark when something dies, ours and the peers that are installed, into out/bench/healing.json (root)
	$(PYTHON_BIN) -m bench.healing

bench-peers: ## install what bench-healing compares with: FRR, Faucet, the framework's sample switches (root)
	@scripts/setup peers

bench-failover: setup ## each link of a k=4 fat tree cut in turn, into out/bench/failover.json (root)
	$(PYTHON_BIN) -m bench.failover

bench-startup: setup ## from the controller's start to the last of all pairs, k=4 and k=8, into out/bench/startup.json (root)
	$(PYTHON_BIN) -m bench.startup

bench-programming: setup ## rules into 1 and 20 Open vSwitch bridges, three ways, into out/bench/programming.json (root)
	$(PYTHON_BIN) -m bench.programming

bench-congestion: setup ## what flows get on a k=4 fat tree, ours beside ECMP and Hedera's two, into out/bench/congestion.json: an hour (root)
	$(PYTHON_BIN) -m bench.congestion

bench-simulator: setup ## the same matrices emulated and simulated, flow by flow, into out/bench/simulator.json (root)
	$(PYTHON_BIN) -m bench.simulator

bench-scale: python ## fat trees of k=16 and k=32 on the farm, all pairs proven, into out/bench/scale.json
	$(PYTHON_BIN) -m bench.scale

bench-reroute: python ## 1,000 of 16,000 flows lose their interface, on the farm, into out/bench/reroute.json
	$(PYTHON_BIN) -m bench.reroute

bench-discovery: python ## discovery by itself, in memory, k=16 and k=32, into out/bench/discovery.json
	$(PYTHON_BIN) -m bench.discovery

bench-farm: python ## what the switch farm itself takes of the processor, into out/bench/farm.json
	$(PYTHON_BIN) -m bench.farm

bench-completion: python ## how long transfers take on a lopsided leaf-spine at loads 0.3 to 0.9, simulated, into out/bench/completion.json
	$(PYTHON_BIN) -m bench.completion

bench-placement: python ## solvers on fat trees of k=8, 16 and 32, whole and with failed links, into out/bench/placement.json
	$(PYTHON_BIN) -m bench.placement

bench-verification: setup ## expectations under failures, and policies that change under probes, into out/bench/verification.json (root)
	$(PYTHON_BIN) -m bench.verification

bench-policies: python ## a thousand documents, from text to rules, beside the naive product, into out/bench/policies.json
	$(PYTHON_BIN) -m bench.policies

bench-footprint: python ## rules and control messages, beside reactive forwarding of each flow, into out/bench/footprint.json
	$(PYTHON_BIN) -m bench.footprint

fuzz: python ## hostile bytes for both ends of the control channel, SECONDS=60, findings into out/fuzz/
	$(PYTHON_BIN) -m pip install --quiet --disable-pip-version-check -r requirements-fuzz.txt
	$(PYTHON_BIN) -m tests.fuzz --seconds $(SECONDS)

docs: python ## generate docs/pipeline.md from the declared tables
	$(PYTHON_BIN) -m controller.dataplane.pipeline > docs/pipeline.md.new
	@mv docs/pipeline.md.new docs/pipeline.md

format: python ## let ruff rewrite what it can
	$(PYTHON_BIN) -m ruff check --fix-only .
	$(PYTHON_BIN) -m ruff format .

clean: ## remove what was generated, the virtual environment included
	rm -rf .venv out build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# ---- the parts of check: the fastest verdict first, then the two slow ones side by side

style: format-check lint

format-check:
	$(PYTHON_BIN) -m ruff format --check .

lint:
	$(PYTHON_BIN) -m ruff check .

types:
	$(PYTHON_BIN) -m mypy

fast-tests:
	TREADLE_SEARCH=quick $(PYTHON_BIN) -m pytest -q -n auto -m "not emulation"
