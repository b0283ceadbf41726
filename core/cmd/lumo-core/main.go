// Command lumo-core is Lumo's core: console, API, senders, sync.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"lumo/core/app"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := app.Run(ctx, os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "lumo-core:", err)
		os.Exit(1)
	}
}
