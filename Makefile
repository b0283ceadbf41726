# Lumo. `make run` and `make test` are all a newcomer needs; `make help` lists the rest.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help run demo test screens check bench soak reset build dist tools

DEV := .lumo/bin/lumo-dev
SIM ?= 1
# Addresses given on the command line reach the programs: make run LUMO_CORE_ADDR=127.0.0.1:9080
export SIM
ifdef LUMO_CORE_ADDR
export LUMO_CORE_ADDR
endif
ifdef LUMO_EDGE_ADDR
export LUMO_EDGE_ADDR
endif
ifdef LUMO_SIM_ADDR
export LUMO_SIM_ADDR
endif

help: ## list what can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 10

tools:
	@tools/need.sh
	@mkdir -p .lumo/bin && go build -o $(DEV) ./tools/dev

build: tools ## build modules, pages and programs
	@$(DEV) build

dist: build ## the programs as single files without libraries, in dist/, with their units
	@mkdir -p dist && CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o dist/ ./core/cmd/lumo-core ./edge/cmd/lumo-edge
	@cp deploy/*.service dist/
	@LUMO_DIST=$(CURDIR)/dist go test -count=1 -run TestSoakShippedPrograms ./deploy

run: tools ## start everything on this machine; SIM=0 without simulators and demo shop
	@exec $(DEV) up

demo: build ## play the whole story on a stack of its own and check each step
	@go run ./tools/demo

check: build ## formatting, vet, architecture, generated files, texts
	@tools/check.sh

test: check ## check, then all tests: Go, modules, console, the demo and its story in a browser
	@tools/test.sh

screens: build ## every screen and walk-through in a real browser, in both languages
	@LUMO_CHROMIUM=$$(tools/browser.sh | tail -n 1) go run ./tools/demo -screens

bench: build ## print the figures as BENCH <name> <value> <unit>
	@LUMO_CHROMIUM=$$(tools/browser.sh | tail -n 1) go run ./tools/bench

soak: build ## long runs: kills, restarts, many recipients
	@LUMO_SOAK=1 $(DEV) with-database go test -count=1 -timeout 60m -run 'Soak' ./...

reset: tools ## stop leftovers and remove all local data
	@$(DEV) reset
