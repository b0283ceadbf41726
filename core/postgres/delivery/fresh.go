package delivery

import "github.com/jackc/pgx/v5"

// queueFresh has the statements of a batch up to queueUsual planned for the tables as they are.
// A plan that is kept was perhaps made when a table was nearly empty: to join rows by their ids
// it then reads all of the merchant's, once for each batch, until the table is analysed; and the
// first broadcast of a new shop fills it within seconds. Such statements hide their arrays in
// (SELECT $n): for few rows an index is worth it, however little is known of the table.
func queueFresh(batch *pgx.Batch) {
	batch.Queue(`SELECT set_config('plan_cache_mode', 'force_custom_plan', true)`)
}

func queueUsual(batch *pgx.Batch) { batch.Queue(`SELECT set_config('plan_cache_mode', 'auto', true)`) }
