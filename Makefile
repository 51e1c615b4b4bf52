# Every target installs what it needs. The project's own Node.js, pinned by the lock file, runs everything, from its sources.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

sources := $(shell find src experiments -name '*.ts' 2>/dev/null)
# they change when a file goes; `/.` tells one from the target of its name
folders := $(addsuffix /.,$(shell find src experiments -type d 2>/dev/null))

.PHONY: help experiments bench bench-self test unit live watch check build reference report clean install tools test-tools

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 14

experiments: install tools ## run the default matrix (ARGS="close-order --quick" for less) and print where the report is
	@lingerlab run $(ARGS)

bench: install tools ## measure closing under load, what watching costs it, where ports run out (ARGS=--quick for 30 s)
	@lingerlab run load load-observed 'load-ports/*lasts=short*' 'load-ports/*lasts=filling*' $(ARGS)

bench-self: install ## measure this program's own parsers and reports with tinybench
	@node test/bench/self.ts $(ARGS)

test: check test-tools ## check formatting, lint and types, run unit and live tests
	@vitest run $(ARGS)

unit: install ## run the tests that need no kernel of their own (ARGS=test/wire for some of them)
	@vitest run --project unit $(ARGS)

live: install test-tools ## run the tests in namespaces, as root (ARGS=test/live/wire.test.ts for some of them)
	@vitest run --project live $(ARGS)

watch: install ## run unit tests again whenever a file changes
	@vitest watch --project unit $(ARGS)

check: install ## check formatting, lint and types
	@biome check --error-on-warnings .
	@oxlint --type-aware --deny-warnings
	@tsc -p tsconfig.json

build: dist/.built ## compile what a package holds; nothing else needs it

# where it is kept, and the most that it may take: bytes
kept = results/reference/$$(uname -r)
most = 2000000

reference: install tools ## run the default matrix and keep it, without events and packed, as this kernel's results/reference/<release>
	@scratch=$$(mktemp -d); trap 'rm -rf "$$scratch"' EXIT; kept=$(kept); \
	lingerlab run $(ARGS) --out "$$scratch/run"; cd "$$scratch/run"; gzip -9n cells.ndjson; rm -rf cells; \
	node -e 'const f = require("fs"); f.writeFileSync("run.json", JSON.stringify(JSON.parse(f.readFileSync("run.json"))))'; \
	size=$$(cat * | wc -c); \
	if [ "$$size" -gt $(most) ]; then echo "not kept: it takes $$size bytes, more than $(most):" >&2; wc -c * >&2; exit 1; fi; \
	cd "$(CURDIR)"; rm -rf "$$kept"; mkdir -p "$$kept"; \
	cp "$$scratch"/run/{run.json,cells.ndjson.gz,report.md} "$$kept/"; echo "kept in $$kept: $$size bytes"

report: install ## make the report of the latest run (or RUN=folder) again
	@lingerlab report $(or $(RUN),$(dir $(firstword $(shell ls -t results/*/run.json 2>/dev/null))),$(error no run in results/: make experiments))

clean: ## remove what was built and installed; results stay
	@rm -rf dist node_modules

install: node_modules/.installed

node_modules/.installed: package.json package-lock.json .npmrc
	@command -v npm >/dev/null || { echo "npm is missing: apt-get install npm" >&2; exit 3; }
	@npm ci --no-audit --no-fund --loglevel=error
	@ln -sf ../../src/bin.js node_modules/.bin/lingerlab
	@touch $@

dist/.built: node_modules/.installed tsconfig.json tsconfig.build.json $(sources) $(folders)
	@rm -rf dist
	@tsc -p tsconfig.build.json
	@node src/process/bundle.ts dist/src >/dev/null
	@touch $@

# command:package, for the system's package manager
tools: needs := ss:iproute2 ip:iproute2
# tcpdump and tshark read the wire's captures back
test-tools: needs := ss:iproute2 ip:iproute2 tcpdump:tcpdump tshark:tshark

# As root on Debian or Ubuntu they are installed; NO_INSTALL=1 only names them. What goes on without them says so.
tools test-tools:
	@missing=; for each in $(needs); do \
	  command -v "$${each%%:*}" >/dev/null || case " $$missing " in *" $${each##*:} "*) ;; *) missing="$$missing $${each##*:}";; esac; \
	done; [ -n "$$missing" ] || exit 0; \
	if [ -n "$${NO_INSTALL:-}" ]; then echo "missing:$$missing (NO_INSTALL is set: not installed)" >&2; exit 0; fi; \
	if [ "$$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then echo "missing:$$missing (as root: apt-get install$$missing)" >&2; exit 0; fi; \
	echo "installing$$missing (NO_INSTALL=1 leaves them out)" >&2; \
	export DEBIAN_FRONTEND=noninteractive; \
	{ apt-get update -qq && apt-get install -y -qq --no-install-recommends $$missing; } >/dev/null \
	  || echo "apt-get could not install$$missing" >&2
