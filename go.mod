module github.com/gohandoff/coroutine

go 1.26
