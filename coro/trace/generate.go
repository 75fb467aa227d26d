package trace

// The pictures of docs/tracing.md. The page is photographed by "make pictures".
//go:generate go run ../../cmd/codemo trace wake -o ../../docs/img/wake.svg
//go:generate go run ../../cmd/codemo trace panic -o ../../docs/img/panic.svg
