package main

import (
	"flag"
	"testing"

	"lumo/plugins/internal/guest/guesttest"
)

var _ = flag.Bool("update", false, "write the golden files")

func TestVerdictsAreTheGoldenOnes(t *testing.T) {
	t.Parallel()
	guesttest.Golden(t, "redirect", handle)
}
