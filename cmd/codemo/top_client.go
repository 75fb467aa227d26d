package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gohandoff/coroutine/coro/aio"
	livepage "github.com/gohandoff/coroutine/coro/trace/live"
)

// topAddress makes the URL of a handler's page of what the user named.
func topAddress(s string) (*url.URL, error) {
	bad := func(why string) (*url.URL, error) {
		return nil, usagef("address %q: %s; want HOST:PORT, or a URL such as http://localhost:6060/debug/coroutines/", s, why)
	}
	text := s
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return bad(errors.Unwrap(err).Error())
	case u.Scheme != "http" && u.Scheme != "https":
		return bad(fmt.Sprintf("%q is no scheme that is understood", u.Scheme))
	case u.Host == "":
		return bad("it names no host")
	case u.Hostname() == "":
		u.Host = net.JoinHostPort("localhost", u.Port()) // ":8080"
	case u.Port() == "" && !strings.Contains(s, "://"):
		return bad("it has no port")
	}
	u.Path = strings.TrimSuffix(u.Path, "stats.json")
	if !strings.HasSuffix(u.Path, "/") {
		u.Path += "/"
	}
	u.RawPath, u.RawQuery, u.Fragment = "", "", ""
	return u, nil
}

// A topClient asks one handler.
type topClient struct {
	base *url.URL
	http http.Client
}

func newTopClient(base *url.URL) *topClient {
	return &topClient{base: base, http: http.Client{
		// One connection a question, and no proxy: the program is near.
		Transport: &http.Transport{DisableKeepAlives: true},
		Timeout:   10 * time.Second,
	}}
}

// A topSample is one answer.
type topSample struct {
	at      time.Time
	stats   livepage.Stats
	loops   []namedLoop
	numbers any // those that are not loops'
}

type namedLoop struct {
	name string
	aio.Stats
}

// maxAnswer is more than any honest answer.
const maxAnswer = 4 << 20

func (c *topClient) ask(ctx context.Context) (*topSample, error) {
	u := c.base.JoinPath("stats.json")
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	res, err := c.http.Do(req)
	if err != nil {
		// The words of package http name the method and the URL.
		return nil, fmt.Errorf("%s: %w", c.base, errors.Unwrap(err))
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", u, err)
	}
	foreign := func(what string) error {
		return fmt.Errorf("%s: %s: is no handler of coro/trace/live", u, what)
	}
	if res.StatusCode >= http.StatusInternalServerError {
		why, _, _ := strings.Cut(strings.TrimSpace(string(body)), "\n")
		return nil, fmt.Errorf("%s: answers %s: %.200s", u, res.Status, printable(why))
	}
	if res.StatusCode != http.StatusOK {
		return nil, foreign("answers " + res.Status)
	}
	var stats struct {
		livepage.Stats
		Threads *[]livepage.ThreadStats `json:"threads"`
		Numbers json.RawMessage         `json:"numbers"`
	}
	if err := json.Unmarshal(body, &stats); err != nil || stats.Threads == nil {
		return nil, foreign("answers something else than its numbers")
	}
	s := &topSample{at: time.Now(), stats: stats.Stats}
	s.stats.Threads = *stats.Threads
	s.readNumbers(stats.Numbers)
	return s, nil
}

// readNumbers finds the numbers of loops: one, a list, or by name. Others are kept
// as they are.
func (s *topSample) readNumbers(raw json.RawMessage) {
	if raw == nil {
		return
	}
	var (
		one  aio.Stats
		list []aio.Stats
	)
	switch {
	case strictly(raw, &one):
		s.loops = []namedLoop{{one.Name, one}}
	case strictly(raw, &list):
		for _, l := range list {
			s.loops = append(s.loops, namedLoop{l.Name, l})
		}
	default:
		byName := map[string]aio.Stats{}
		if !strictly(raw, &byName) {
			d := json.NewDecoder(bytes.NewReader(raw))
			d.UseNumber()
			_ = d.Decode(&s.numbers) // what was JSON a moment ago is still
			return
		}
		for _, name := range sortedKeys(byName) {
			s.loops = append(s.loops, namedLoop{name, byName[name]})
		}
	}
}

// strictly reads raw into v if that has a field for all of it.
func strictly(raw json.RawMessage, v any) bool {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	return d.Decode(v) == nil
}
