# Each target is one command. `make test` is what a change must pass.

FUZZTIME ?= 10s

.PHONY: build test race lint vet fuzz exhaust cover demo interop matrix rfc bench bench-plot tidy

build: ; go build ./...
test: ; @.ci/test ./...
race: ; go test -race -timeout 20m ./...
lint: ; @.ci/lint
vet: ; go vet ./...
fuzz: ; @.ci/fuzz $(FUZZTIME)
exhaust: ; WHELK_EXHAUST=1 go test -count=1 -timeout 30m -v -run '^(TestStates|TestSequences)$$' ./fuzz
cover: ; go test -coverpkg=./... -coverprofile=.cover.out ./... && go tool cover -func=.cover.out | tail -n 1
demo: ; @go run ./internal/demo
interop: ; @.ci/test -v ./internal/interop
matrix: ; @.ci/test -run '^TestMatrix$$' ./internal/interop -update
rfc: ; @.ci/rfc
bench: ; @cd internal/bench && go run . -name '$(NAME)'
bench-plot: ; @$(if $(FROM),cat $(FROM),$(MAKE) -s bench) >.bench.out && cd internal/bench && go run ./chart ../../.github/figures.svg <../../.bench.out
tidy: ; go mod tidy
