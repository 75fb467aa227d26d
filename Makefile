# Everything a contributor types. `make check` is what CI runs.

GO       ?= go
TIMEOUT  ?= 10m
FUZZTIME ?= 5s
TARGETS  ?= linux/amd64 linux/arm64 linux/386 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64

# The race detector needs cgo, hence a C compiler, on most systems. Without
# one the tests still run; in CI they must not go without it silently.
RACE := $(if $(or $(filter true,$(CI)),$(filter 1,$(shell $(GO) env CGO_ENABLED))),-race)
TOOL := $(GO) tool -modfile=.ci/tools/go.mod

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test check lint bench bench-tracing fuzz mod build notrace cross bench-once fuzz-once pictures

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## a minute of coroutines: yield, copy a file, leak nothing (needs only Go)
	$(GO) run ./cmd/codemo demo

test: ## run every test under the race detector
	$(GO) test $(RACE) -timeout $(TIMEOUT) ./...

lint: ## gofumpt, go vet, staticcheck
	@out=$$($(TOOL) gofumpt -l .) && if [ -n "$$out" ]; then \
		echo "gofumpt would change:"; echo "$$out"; exit 1; fi
	$(GO) vet ./...
	$(TOOL) staticcheck ./...

# The tests come last: their output is what one reads first.
check: mod lint build notrace cross bench-once fuzz-once test ## everything CI does

bench: ## measure, with the raw baseline beside each number
	$(GO) run ./cmd/codemo bench

bench-tracing: ## what tracing costs where there is none: two builds in turn
	.ci/bench-tracing

fuzz: FUZZTIME = 60s
fuzz: ## fuzz each target for a minute, or make fuzz FUZZTIME=...
	.ci/fuzz $(FUZZTIME)

mod: ## go.mod and go.sum are tidy, the module cache is intact
	$(GO) mod tidy -diff
	$(GO) mod verify

build: ## build every package
	$(GO) build ./...

notrace: ## the build that bench-tracing compares with still works
	$(GO) vet -tags coro_notrace ./coro
	$(GO) test -tags coro_notrace -timeout $(TIMEOUT) -run 'NoTrace|Enter|Yield|Wake' ./coro

cross: ## build and vet for each of TARGETS
	@set -e; for target in $(TARGETS); do \
		echo "build and vet $$target"; \
		export GOOS=$${target%/*} GOARCH=$${target#*/} CGO_ENABLED=0; \
		$(GO) build ./...; \
		$(GO) vet ./...; \
	done

bench-once: ## run each benchmark once, so that none rots
	$(GO) test -run '^$$' -bench . -benchtime 1x -timeout $(TIMEOUT) ./...

fuzz-once: ## fuzz each target for FUZZTIME
	.ci/fuzz $(FUZZTIME)

# Chromium, where there is one, photographs the page.
pictures: ## draw the pictures of the docs again
	$(GO) generate ./coro/trace
	@set -e; dir=$$(mktemp -d); trap 'rm -rf "$$dir"' EXIT; \
	$(GO) run ./cmd/codemo trace producer-consumer --sites -o "$$dir/t.html"; \
	for theme in light dark; do \
		sed "s/<html lang=\"en\">/<html lang=\"en\" data-theme=\"$$theme\">/" "$$dir/t.html" > "$$dir/$$theme.html"; \
		chromium --headless --no-sandbox --disable-gpu --no-first-run --disable-quic --disable-sync \
			--disable-background-networking --disable-component-update --user-data-dir="$$dir/profile" \
			--virtual-time-budget=3000 --window-size=1200,640 \
			--screenshot="docs/img/page-$$theme.png" "file://$$dir/$$theme.html" 2>/dev/null; \
	done
