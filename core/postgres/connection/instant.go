package connection

import (
	"errors"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
)

var errUnreadable = errors.New("the sealed tokens are not what was written")

// instant reads a timestamp whose -infinity stands for never, the zero time.
type instant time.Time

// ScanTimestamptz implements pgtype.TimestamptzScanner.
func (i *instant) ScanTimestamptz(v pgtype.Timestamptz) error {
	*i = instant{}
	if v.Valid && v.InfinityModifier == pgtype.Finite {
		*i = instant(v.Time.UTC())
	}
	return nil
}
