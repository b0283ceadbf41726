package message

import (
	"context"
	"image"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/lumo"
	"lumo/core/message"
	"lumo/core/message/picture"
	"lumo/core/postgres"
	"lumo/shared/fault"
)

// AddMedia stores a file; one that is there already stays.
func (Store) AddMedia(ctx context.Context, m lumo.MerchantID, f message.Media, now time.Time) error {
	const op = "postgres.message.AddMedia"
	_, err := postgres.Tx(ctx).Exec(ctx, `
		INSERT INTO media (merchant_id, sha256, media_type, data, created_at)
		VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT DO NOTHING`, m, f.SHA256[:], f.MediaType, f.Data, now)
	if err != nil {
		return postgres.Fault(op, err)
	}
	_, err = postgres.Tx(ctx).Exec(ctx, `
		INSERT INTO media_route (sha256, merchant_id)
		VALUES ($1, $2)
		ON CONFLICT DO NOTHING`, f.SHA256[:], m)
	return postgres.Fault(op, err)
}

// AddImage stores an image and its sizes under the channel's next number.
func (s Store) AddImage(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, i message.Image, now time.Time) (
	number uint32, fresh bool, err error) {
	const op = "postgres.message.AddImage"
	if number, known, err := s.ImageNumber(ctx, m, c, i.SHA256); known || err != nil {
		return number, false, err
	}
	var next int64 // the channel's row is the lock under which numbers are given out
	err = postgres.Tx(ctx).QueryRow(ctx, `
		UPDATE channel
		SET image_seq = image_seq + 1
		WHERE merchant_id = $1 AND id = $2
		RETURNING image_seq`, m, c).Scan(&next)
	if err != nil {
		return 0, false, postgres.Fault(op, err)
	}
	if number, known, err := s.ImageNumber(ctx, m, c, i.SHA256); known || err != nil { // made while we waited
		return number, false, err
	}
	var of []byte
	var x, y, width, height *int
	if cut := i.Cut; cut != nil {
		of, x, y, width, height = cut.Of[:], &cut.Part.Min.X, &cut.Part.Min.Y, new(cut.Part.Dx()), new(cut.Part.Dy())
	}
	_, err = postgres.Tx(ctx).Exec(ctx, `
		INSERT INTO image (merchant_id, channel_id, number, sha256, cut_of, cut_x, cut_y, cut_width, cut_height, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`, m, c, next, i.SHA256[:], of, x, y, width, height, now)
	if err != nil {
		return 0, false, postgres.Fault(op, err)
	}
	uses, hashes := make([]int32, len(i.Files)), make([][]byte, len(i.Files))
	for n, f := range i.Files {
		uses[n], hashes[n] = int32(f.Use), i.Files[n].SHA256[:]
	}
	_, err = postgres.Tx(ctx).Exec(ctx, `
		INSERT INTO image_file (merchant_id, channel_id, number, use, sha256)
		SELECT $1, $2, $3, f.use, f.sha256
		FROM unnest($4::int[], $5::bytea[]) AS f (use, sha256)`, m, c, next, uses, hashes)
	return uint32(next), true, postgres.Fault(op, err)
}

// ImageNumber finds the number of a picture on a channel by the hash of its original.
func (Store) ImageNumber(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, sha [32]byte) (
	number uint32, ok bool, err error) {
	var n int64
	err = postgres.Tx(ctx).QueryRow(ctx, `
		SELECT number
		FROM image
		WHERE merchant_id = $1 AND channel_id = $2 AND sha256 = $3`, m, c, sha[:]).Scan(&n)
	if err = postgres.Fault("postgres.message.ImageNumber", err); fault.Is(err, fault.NotFound) {
		return 0, false, nil
	}
	return uint32(n), err == nil, err
}

// Image finds the image of a channel that has this file in any of its sizes. A whole picture
// comes before what was cut, where one file is of both.
func (Store) Image(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, sha [32]byte) (message.Image, error) {
	const op = "postgres.message.Image"
	var i message.Image
	var number int64
	var original, of []byte
	var x, y, width, height *int
	err := postgres.Tx(ctx).QueryRow(ctx, `
		SELECT i.number, i.sha256, i.cut_of, i.cut_x, i.cut_y, i.cut_width, i.cut_height
		FROM image_file AS f
		JOIN image AS i USING (merchant_id, channel_id, number)
		WHERE f.merchant_id = $1 AND f.channel_id = $2 AND f.sha256 = $3
		ORDER BY i.cut_of IS NOT NULL, i.number
		LIMIT 1`, m, c, sha[:]).Scan(&number, &original, &of, &x, &y, &width, &height)
	if err != nil {
		return i, postgres.Fault(op, err)
	}
	i.Number = uint32(number)
	copy(i.SHA256[:], original)
	if of != nil {
		i.Cut = &message.Cut{Part: image.Rect(*x, *y, *x+*width, *y+*height)}
		copy(i.Cut.Of[:], of)
	}
	rows, _ := postgres.Tx(ctx).Query(ctx, `
		SELECT f.use, f.sha256, d.media_type, length(d.data), substring(d.data FOR $4)
		FROM image_file AS f
		JOIN media AS d ON d.merchant_id = f.merchant_id AND d.sha256 = f.sha256
		WHERE f.merchant_id = $1 AND f.channel_id = $2 AND f.number = $3
		ORDER BY f.use`, m, c, number, picture.Beginning)
	i.Files, err = pgx.CollectRows(rows, func(r pgx.CollectableRow) (f message.ImageFile, err error) {
		var hash, begin []byte
		if err := r.Scan(&f.Use, &hash, &f.MediaType, &f.Bytes, &begin); err != nil {
			return f, err
		}
		copy(f.SHA256[:], hash)
		size, err := picture.Size(begin)
		f.Width, f.Height = size.X, size.Y
		return f, err
	})
	if err == nil && len(i.Files) > 0 { // the original is first
		i.Width, i.Height = i.Files[0].Width, i.Files[0].Height
	}
	return i, postgres.Fault(op, err)
}

// Stored is how many bytes a merchant's files have.
func (Store) Stored(ctx context.Context, m lumo.MerchantID) (n int64, err error) {
	err = postgres.Tx(ctx).QueryRow(ctx, `
		SELECT coalesce(sum(length(data)), 0)
		FROM media
		WHERE merchant_id = $1`, m).Scan(&n)
	return n, postgres.Fault("postgres.message.Stored", err)
}

// Media reads a file.
func (Store) Media(ctx context.Context, m lumo.MerchantID, sha [32]byte) (message.Media, error) {
	f := message.Media{SHA256: sha}
	err := postgres.Tx(ctx).QueryRow(ctx, `
		SELECT media_type, data
		FROM media
		WHERE merchant_id = $1 AND sha256 = $2`, m, sha[:]).Scan(&f.MediaType, &f.Data)
	return f, postgres.Fault("postgres.message.Media", err)
}

// Files reads files for edges, which know a hash alone.
type Files struct {
	db    *postgres.DB
	store Store
}

// NewFiles makes a reader of files by hash.
func NewFiles(db *postgres.DB, s Store) *Files { return &Files{db, s} }

// File finds a file of whatever merchant; fault.NotFound when nobody has it.
func (f *Files) File(ctx context.Context, scope lumo.Scope, sha [32]byte) (found message.Media, err error) {
	var m lumo.MerchantID
	err = f.db.InSystem(ctx, func(ctx context.Context) error {
		return postgres.Tx(ctx).QueryRow(ctx, `SELECT merchant_id FROM media_route WHERE sha256 = $1`, sha[:]).Scan(&m)
	})
	if err != nil {
		return found, postgres.Fault("postgres.message.File", err)
	}
	if !scope.Has(m) { // for whoever asks it does not exist
		return found, fault.New(fault.NotFound, "postgres.message.File", "There is no such file.")
	}
	err = f.db.InTenant(ctx, m, func(ctx context.Context) error {
		found, err = f.store.Media(ctx, m, sha)
		return err
	})
	return found, err
}
