# `make help` lists what can be made. Tools are pinned here, not in go.mod:
# go.mod is the product's. A tool is compiled once, into .cache/.

GO      ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
FUZZTIME ?= 10s

GOLANGCI_VERSION    := v2.15.0
GOFUMPT_VERSION     := v0.12.0
GOVULNCHECK_VERSION := v1.9.0
# Later ones need a module that not every proxy hands out.
NFPM_VERSION        := v2.43.0

GOLANGCI    := .cache/golangci-lint-$(GOLANGCI_VERSION)/golangci-lint
GOFUMPT     := .cache/gofumpt-$(GOFUMPT_VERSION)/gofumpt
NFPM        := .cache/nfpm-$(NFPM_VERSION)/nfpm
GOVULNCHECK := $(GO) run golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK_VERSION)

.DEFAULT_GOAL := help
.PHONY: build package demo test peers unit race e2e fuzz bench lint fmt fmt-diff tidy vet vuln cover check prompts clean help

##@ Use

build: ## the static binary bin/portvakt
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o bin/ ./cmd/...

# Package managers compare numbers: what has no tag is older than what has one.
PACKAGE_VERSION = $(shell git describe --tags --match 'v[0-9]*' 2>/dev/null || echo "0.0.0-$$(git rev-list --count HEAD)-g$$(git rev-parse --short HEAD)")
PACKAGES ?= dist

package: build $(NFPM) ## .deb and .rpm of it, with its systemd unit, in dist/ (GOARCH=arm64 make package: of another processor)
	@mkdir -p $(PACKAGES) .cache/package
	@cd .cache/package && run() { GOOS= GOARCH= $(GO) run $(CURDIR)/cmd/portvakt completion $$1 >$$2; } && \
		run bash portvakt.bash && run zsh _portvakt && run fish portvakt.fish
	@for kind in deb rpm; do \
		VERSION=$(PACKAGE_VERSION) GOARCH=$$($(GO) env GOARCH) $(NFPM) package -f packaging/nfpm.yaml -p $$kind -t $(PACKAGES) || exit 1; done

demo: build ## a server, a directory and a user to try it with, on this machine only
	bin/portvakt demo

##@ Test

# The order is from seconds to minutes, so that a slip shows early; the tests
# come last, so that the last lines are theirs.
test: peers fmt-diff tidy vet lint build $(NFPM) ## everything: installs the peers, checks the source, runs every test
	$(GO) test -race -shuffle=on -timeout 15m ./...

peers: ## installs the servers and clients that the tests talk to (Debian packages)
	@scripts/peers.sh

unit: ## the tests that take seconds and need no peers
	$(GO) test -short -shuffle=on ./...

race: ## every test under the race detector
	$(GO) test -race -shuffle=on -timeout 15m ./...

e2e: ## the tests against real servers and clients; a missing one is a failure
	CI=true $(GO) test -count=1 -timeout 15m ./e2e/...

fuzz: ## each fuzz target for FUZZTIME (10s)
	@GO="$(GO)" scripts/fuzz.sh $(FUZZTIME)

bench: build ## repeat what docs/benchmarks.md shows: the packages, then the comparison (about 10 minutes)
	$(GO) test -run '^$$' -bench . -benchmem ./...
	$(GO) run ./e2e/bench

cover: ## coverage of the whole tree, in .cache/cover.html
	@mkdir -p .cache
	$(GO) test -coverpkg=./... -coverprofile=.cache/cover.out ./...
	@$(GO) tool cover -html=.cache/cover.out -o .cache/cover.html
	@$(GO) tool cover -func=.cache/cover.out | tail -n 1

##@ Check

check: fmt-diff tidy vet lint race ## everything of `test` but the installing

lint: $(GOLANGCI) ## golangci-lint with the rules of .golangci.yml
	$(GOLANGCI) run ./...

fmt: $(GOFUMPT) $(GOLANGCI) ## formats the source
	$(GOFUMPT) -w .
	$(GOLANGCI) fmt

fmt-diff: $(GOFUMPT) $(GOLANGCI) ## fails with the difference where `make fmt` would change something
	@d=$$($(GOFUMPT) -d .) || true; if [ -n "$$d" ]; then printf '%s\n' "$$d"; echo "run: make fmt" >&2; exit 1; fi
	@$(GOLANGCI) fmt --diff

tidy: ## fails where `go mod tidy` would change go.mod or go.sum
	$(GO) mod tidy -diff

vet: ## go vet
	$(GO) vet ./...

vuln: ## known vulnerabilities in what is called; needs vuln.go.dev, so not part of check
	$(GOVULNCHECK) ./...

##@ Other

prompts: ## speaks what people hear in calls again, from factors/voice/prompts/*/texts.toml; needs espeak-ng
	$(GO) run ./factors/voice/prompts/internal/make factors/voice/prompts

clean: ## removes bin/ and .cache/
	rm -rf bin dist .cache

help: ## this list
	@awk 'BEGIN { FS = ":.*## " } \
	  /^##@ / { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z0-9-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

# With a tool's version in its directory, a new version is a new file.
$(GOLANGCI):
	@echo "compiling golangci-lint $(GOLANGCI_VERSION) once, about three minutes"
	@cd / && GOBIN="$(CURDIR)/$(@D)" GOFLAGS= $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)

$(NFPM):
	@cd / && GOBIN="$(CURDIR)/$(@D)" GOFLAGS= GOOS= GOARCH= $(GO) install github.com/goreleaser/nfpm/v2/cmd/nfpm@$(NFPM_VERSION)

$(GOFUMPT):
	@cd / && GOBIN="$(CURDIR)/$(@D)" GOFLAGS= $(GO) install mvdan.cc/gofumpt@$(GOFUMPT_VERSION)
