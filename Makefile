# Every target installs and builds what it needs. The project's own Node.js, pinned by the lock file, runs everything.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

sources := $(shell find src experiments -name '*.ts' 2>/dev/null)
# they change when a file goes; `/.` tells one from the target of its name
folders := $(addsuffix /.,$(shell find src experiments -type d 2>/dev/null))

.PHONY: help experiments bench bench-self test check build reference report clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 14

experiments: build ## run the default matrix (ARGS="close-order --quick" for less) and print where the report is
	@node dist/src/bin.js run $(ARGS)

bench: build ## measure closing under load, what watching costs it, where ports run out (ARGS=--quick for 30 s)
	@node dist/src/bin.js run load load-observed 'load-ports/*lasts=short*' 'load-ports/*lasts=filling*' $(ARGS)

bench-self: build ## measure this program's own parsers and reports with tinybench
	@node test/bench/self.ts $(ARGS)

test: check ## install, build, check formatting, lint and types, run unit and live tests
	@vitest run $(ARGS)

check: build ## install, build, check formatting, lint and types
	@biome check --error-on-warnings .
	@oxlint --type-aware --deny-warnings
	@tsc -p tsconfig.json

build: dist/.built ## install and compile

# where it is kept, and the most that it may take: bytes
kept = results/reference/$$(uname -r)
most = 2000000

reference: build ## run the default matrix and keep it, without events and packed, as this kernel's results/reference/<release>
	@scratch=$$(mktemp -d); trap 'rm -rf "$$scratch"' EXIT; kept=$(kept); \
	node dist/src/bin.js run $(ARGS) --out "$$scratch/run"; cd "$$scratch/run"; gzip -9n cells.ndjson; rm -rf cells; \
	node -e 'const f = require("fs"); f.writeFileSync("run.json", JSON.stringify(JSON.parse(f.readFileSync("run.json"))))'; \
	size=$$(cat * | wc -c); \
	if [ "$$size" -gt $(most) ]; then echo "not kept: it takes $$size bytes, more than $(most):" >&2; wc -c * >&2; exit 1; fi; \
	cd "$(CURDIR)"; rm -rf "$$kept"; mkdir -p "$$kept"; \
	cp "$$scratch"/run/{run.json,cells.ndjson.gz,report.md} "$$kept/"; echo "kept in $$kept: $$size bytes"

report: build ## make the report of the latest run (or RUN=folder) again
	@node dist/src/bin.js report $(or $(RUN),$(dir $(firstword $(shell ls -t results/*/run.json 2>/dev/null))),$(error no run in results/: make experiments))

clean: ## remove what was built and installed; results stay
	@rm -rf dist node_modules

dist/.built: node_modules/.installed tsconfig.json tsconfig.build.json $(sources) $(folders)
	@rm -rf dist
	@tsc -p tsconfig.build.json
	@# one file each, in the form that Node loads soonest: two are started for every cell, and 20 modules take 9 ms of CPU
	@for main in load peers wire; do rolldown dist/src/$$main/main.js --file dist/src/$$main/main.cjs --format cjs --platform node --external koffi --logLevel silent >/dev/null; done
	@chmod +x dist/src/bin.js
	@ln -sf ../../dist/src/bin.js node_modules/.bin/lingerlab
	@touch $@

node_modules/.installed: package.json package-lock.json .npmrc
	@command -v npm >/dev/null || { echo "npm is missing: apt-get install npm" >&2; exit 3; }
	@npm ci --no-audit --no-fund --loglevel=error
	@touch $@
