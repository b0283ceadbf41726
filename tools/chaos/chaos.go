// Package chaos takes parts of a running stack away under load and counts at the far ends what
// came through: real PostgreSQL, core and edge as processes of their own, simulators for the
// vendors. Its tests are all there is.
package chaos
