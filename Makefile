# Every target installs what it needs. The project's own Node.js, pinned by the lock file, runs everything, from its sources.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

sources := $(shell find src experiments -name '*.ts' -o -name '*.tsx' -o -name '*.css' 2>/dev/null)
# they change when a file goes; `/.` tells one from the target of its name
folders := $(addsuffix /.,$(shell find src experiments -type d 2>/dev/null))

# $(call provide,command:package…): as root on Debian or Ubuntu, packages whose command, or file, is missing are installed; NO_INSTALL=1
# only names them. Without them the program and its tests go on as far as they can, and say what was left out.
define provide
missing=$$(for each in $(1); do command -v "$${each%%:*}" >/dev/null || [ -e "$${each%%:*}" ] || echo "$${each##*:}"; done | sort -u | xargs); \
if [ -z "$$missing" ]; then :; \
elif [ -n "$${NO_INSTALL:-}" ]; then echo "missing: $$missing (NO_INSTALL is set)" >&2; \
elif [ "$$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then echo "missing: $$missing (as root: apt-get install $$missing)" >&2; \
else echo "installing $$missing with apt-get (NO_INSTALL=1 only names them)" >&2; export DEBIAN_FRONTEND=noninteractive; \
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends $$missing; } >/dev/null || echo "apt-get could not install $$missing" >&2; \
fi
endef

.PHONY: help experiments kernels bench bench-self test unit live watch check build pack reference report clean install tools emulator test-tools

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 14

experiments: install tools ## run the default matrix (ARGS="close-order --quick" for less) and print where the report is
	@lingerlab run $(ARGS)

kernels: install tools emulator ## run what tells kernels apart on other kernels, in virtual machines, and compare (ARGS="5.10 7.3 -- close-order" for less)
	@lingerlab kernels run host $(ARGS)

bench: install tools ## measure closing under load, what watching costs it, where ports run out (ARGS=--quick for 30 s)
	@lingerlab run load load-observed 'load-ports/*lasts=short*' 'load-ports/*lasts=filling*' $(ARGS)

bench-self: install tools ## measure this program's own parsers and reports with tinybench, then its commands as processes
	@node test/bench/self.ts $(ARGS)
	@node test/bench/program.ts $(ARGS)
	@node test/bench/page.ts

test: check test-tools ## check formatting, lint, types and words, run unit and live tests
	@vitest run $(ARGS)

unit: install ## run the tests that need no kernel of their own (ARGS=test/wire for some of them)
	@vitest run --project unit $(ARGS)

live: install test-tools ## run the tests in namespaces, as root (ARGS=test/live/wire.test.ts for some of them)
	@vitest run --project live --project alone $(ARGS)

watch: install ## run unit tests again whenever a file changes
	@vitest watch --project unit $(ARGS)

check: install ## check formatting, lint, types and words
	@biome check --error-on-warnings .
	@oxlint --type-aware --deny-warnings
	@tsc -p tsconfig.json
	@tsc -p src/page/view/tsconfig.json
	@node test/words/check.ts

build: dist/.built ## compile what a package holds; nothing else needs it

pack: build ## pack what npm would publish (ARGS=--pack-destination=/tmp for elsewhere)
	@npm pack --ignore-scripts $(ARGS)

# where it is kept, and the most that it may take, bytes: its report has as many drawings as fit (src/report/markdown/beside.ts)
kept = results/reference/$$(uname -r)
most = 2000000

reference: install tools ## run the default matrix and keep it, without events and packed, as this kernel's results/reference/<release>
	@scratch=$$(mktemp -d); trap 'rm -rf "$$scratch"' EXIT; kept=$(kept); \
	lingerlab run $(ARGS) --out "$$scratch/run"; cd "$$scratch/run"; gzip -9n cells.ndjson; rm -rf cells; \
	node -e 'const f = require("fs"); f.writeFileSync("run.json", JSON.stringify(JSON.parse(f.readFileSync("run.json"))))'; gzip -9n run.json; \
	lingerlab report . --json >/dev/null; mkdir -p report; rm -f report.html; \
	size=$$(find . -type f -exec cat {} + | wc -c); \
	if [ "$$size" -gt $(most) ]; then echo "not kept: it takes $$size bytes, more than $(most):" >&2; \
	  wc -c cells.ndjson.gz run.json.gz report.md report/* | sed 's/^/ /' >&2; exit 1; fi; \
	cd "$(CURDIR)"; rm -rf "$$kept"; mkdir -p "$$kept"; \
	cp -r "$$scratch"/run/{run.json.gz,cells.ndjson.gz,report.md,report} "$$kept/"; echo "kept in $$kept: $$size bytes"

report: install ## make the report of the latest run (or RUN=folder) again
	@lingerlab report $(or $(RUN),$(dir $(firstword $(shell ls -t results/*/run.json 2>/dev/null))),$(error no run in results/: make experiments))

clean: ## remove what was built and installed; results stay
	@rm -rf dist node_modules

install: node_modules/.installed ## install the pinned Node.js and the packages that the lock file names

node_modules/.installed: package.json package-lock.json .npmrc
	@$(call provide,npm:npm); command -v npm >/dev/null || exit 3
	@npm ci --no-audit --no-fund --loglevel=error
	@ln -sf ../../src/bin.js node_modules/.bin/lingerlab
	@touch $@

dist/.built: node_modules/.installed tsconfig.json tsconfig.build.json $(sources) $(folders)
	@rm -rf dist
	@tsc -p tsconfig.build.json
	@node src/process/bundle.ts dist/src >/dev/null
	@node src/catalogue/hashes.ts dist/experiments
	@touch $@

# they fetch kernels, make the disk image and run it
emulation = qemu-system-x86_64:qemu-system-x86 busybox:busybox-static depmod:kmod /sbin/mke2fs:e2fsprogs

emulator:
	@$(call provide,$(emulation))

tools:
	@$(call provide,ss:iproute2 ip:iproute2)

pandas := /usr/lib/python3/dist-packages/pandas
test-tools: # tcpdump and tshark read the wire's captures back; jq and pandas are in the examples of results/README.md; chromium opens a run's page
	@$(call provide,ss:iproute2 ip:iproute2 tcpdump:tcpdump tshark:tshark jq:jq chromium:chromium $(pandas):python3-pandas $(if $(KERNELS),$(emulation)))
