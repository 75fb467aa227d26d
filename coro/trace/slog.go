package trace

import (
	"context"
	"log/slog"
)

// Slog is a [Sink] that logs every record, with its kind as the message.
func Slog(logger *slog.Logger, level slog.Level) Sink {
	needs(logger != nil, "Slog", "the *slog.Logger")
	return slogSink{logger, level}
}

type slogSink struct {
	logger *slog.Logger
	level  slog.Level
}

// WriteRecord implements [Sink].
func (s slogSink) WriteRecord(r Record) error {
	ctx := context.Background()
	if !s.logger.Enabled(ctx, s.level) {
		return nil
	}
	attrs := make([]slog.Attr, 0, 8)
	attrs = append(attrs, slog.String("thread", r.Thread))
	if r.Seq != 0 { // a print has none
		attrs = append(attrs, slog.Uint64("seq", r.Seq))
	}
	if r.From.Valid() {
		attrs = append(attrs, slog.String("from", r.From.Name), slog.Uint64("from_id", r.From.ID))
	}
	if r.To.Valid() {
		attrs = append(attrs, slog.String("to", r.To.Name), slog.Uint64("to_id", r.To.ID))
	}
	if r.Detail != "" {
		attrs = append(attrs, slog.String("detail", r.Detail))
	}
	if r.Site != "" {
		attrs = append(attrs, slog.String("site", r.Site))
	}
	s.logger.LogAttrs(ctx, s.level, string(r.Kind), attrs...)
	return nil
}
