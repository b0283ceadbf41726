package delivery

import "github.com/jackc/pgx/v5"

// queueFresh has the statements of a batch up to queueUsual look each row up by its id. While a
// table was never analysed, as in a shop's first hour, PostgreSQL believes that a merchant has
// next to no rows in it, and would rather read all of them for each batch; a plan from when the
// table was nearly empty would even be kept.
func queueFresh(batch *pgx.Batch) {
	batch.Queue(`
		SELECT set_config('plan_cache_mode', 'force_custom_plan', true), set_config('enable_hashjoin', 'off', true),
			set_config('enable_mergejoin', 'off', true), set_config('enable_material', 'off', true)`)
}

func queueUsual(batch *pgx.Batch) {
	batch.Queue(`
		SELECT set_config('plan_cache_mode', 'auto', true), set_config('enable_hashjoin', 'on', true),
			set_config('enable_mergejoin', 'on', true), set_config('enable_material', 'on', true)`)
}
