package main

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/gohandoff/coroutine/coro/trace"
)

// TestServe asks the address that is printed, on this machine only, and ends the
// server as an interrupt does.
func TestServe(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- serve(ctx, w, "0", &trace.Trace{Title: "a & b"})
		w.Close()
	}()
	line := make([]byte, 100)
	n, err := r.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	url := strings.TrimSpace(string(line[:n]))
	if !strings.HasPrefix(url, "http://127.0.0.1:") {
		t.Errorf("address: got %q, want one of 127.0.0.1", url)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil || !strings.Contains(string(page), "<title>a &amp; b</title>") {
		t.Errorf("page: %v, %.200s", err, page)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("serve: %v", err)
	}
}
