package delivery

import (
	"context"
	"sync"

	"lumo/core/lumo"
	"lumo/core/postgres"
)

// numberBlock is how many numbers a process takes at once.
const numberBlock = 1000

// numbers gives out merchants' delivery numbers. They come in blocks from short transactions
// of their own, so that plans do not wait for each other's commits; a block that a process
// loses leaves a gap, which harms nobody.
type numbers struct {
	mu     sync.Mutex // guards blocks
	blocks map[lumo.MerchantID]*block
}

// block is numbers of one merchant that belong to this process.
type block struct {
	mu        sync.Mutex // guards next and end; held while the database gives more
	next, end uint64
}

func (n *numbers) of(m lumo.MerchantID) *block {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.blocks == nil {
		n.blocks = map[lumo.MerchantID]*block{}
	}
	if n.blocks[m] == nil {
		n.blocks[m] = &block{}
	}
	return n.blocks[m]
}

// one is the merchant's next number.
func (n *numbers) one(ctx context.Context, db *postgres.DB, m lumo.MerchantID) (uint64, error) {
	b := n.of(m)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.next == b.end {
		end, err := take(ctx, db, m, numberBlock)
		if err != nil {
			return 0, err
		}
		b.next, b.end = end-numberBlock, end
	}
	b.next++
	return b.next - 1, nil
}

// take moves the merchant's sequence on by n numbers and answers the one after them.
func take(ctx context.Context, db *postgres.DB, m lumo.MerchantID, n int) (end uint64, err error) {
	var last int64
	err = db.InTenant(postgres.Apart(ctx), m, func(ctx context.Context) error {
		return postgres.Tx(ctx).QueryRow(ctx, `
			UPDATE merchant
			SET delivery_seq = delivery_seq + $2
			WHERE merchant_id = $1
			RETURNING delivery_seq`, m, n).Scan(&last)
	})
	return uint64(last) + 1, postgres.Fault("postgres.delivery.take", err)
}
