// Package deploy holds what a server needs besides the programs: units for systemd. Its test
// lets systemd look at them.
package deploy
