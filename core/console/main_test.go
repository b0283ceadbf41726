package console_test

import (
	"os"
	"testing"

	"lumo/core/postgres/postgrestest"
)

func TestMain(m *testing.M) { os.Exit(postgrestest.Main(m)) }
