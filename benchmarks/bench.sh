#!/usr/bin/env bash
# Measures everything, ROUNDS times over, and writes the one table and its chart into
# docs/. Each round is a process of its own that measures all there is, so that what
# drifts on the machine meanwhile drifts for all alike.
set -euo pipefail
cd "$(dirname "$0")"
rounds=${ROUNDS:-6} time=${BENCHTIME:-300ms}

bench=$(mktemp)
trap 'rm -f "$bench"' EXIT
go test -c -o "$bench" .
: >bench.out
for round in $(seq "$rounds"); do
	echo "round $round of $rounds" >&2
	# One processor: the figures are all that a request costs, garbage collection included.
	"$bench" -test.run '^$' -test.cpu 1 -test.benchtime "$time" -test.bench '^Benchmark(Digest|FirstSight|FurtherSight|Refusal)$' >>bench.out
	"$bench" -test.run '^$' -test.cpu 1 -test.benchtime 1x -test.bench '^BenchmarkUnknownKids$' >>bench.out
	"$bench" -test.run '^$' -test.cpu 1,2 -test.benchtime "$time" -test.bench '^BenchmarkParallel$' >>bench.out
done
# The caches of up to a million tokens are filled once for all rounds.
echo "growth" >&2
"$bench" -test.run '^$' -test.cpu 1 -test.benchtime "$time" -test.count "$rounds" -test.timeout 1h -test.bench '^BenchmarkGrowth$' >>bench.out
go run ./cmd/report -page ../docs/performance.md -chart ../docs/performance.svg bench.out
