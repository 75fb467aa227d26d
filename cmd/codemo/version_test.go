package main

import (
	"bytes"
	"runtime/debug"
	"strings"
	"testing"
)

func TestVersion(t *testing.T) {
	tests := []struct {
		info *debug.BuildInfo
		want string
	}{
		{nil, "codemo unknown, go"},
		{&debug.BuildInfo{Main: debug.Module{Version: "v1.2.3"}}, "codemo v1.2.3, go"},
		{&debug.BuildInfo{
			Main:     debug.Module{Version: "(devel)"},
			Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "0123456789abcdef"}, {Key: "vcs.modified", Value: "true"}},
		}, "codemo (devel), commit 0123456789ab with changes, go"},
	}
	for _, tt := range tests {
		var b bytes.Buffer
		if err := version(&b, tt.info); err != nil {
			t.Error(err)
		}
		if !strings.HasPrefix(b.String(), tt.want) {
			t.Errorf("got %q, want it to start with %q", b.String(), tt.want)
		}
	}
}
