// Command dev runs Lumo on one machine for whoever works with or on it.
//
//	dev up           build, start and seed the stack, until Ctrl-C
//	dev build        build modules, pages and programs
//	dev reset        remove all data of the stack
//	dev with-database COMMAND...          run a command beside a throw-away PostgreSQL
//	dev with-newest-database COMMAND...   the same on the newest version we support
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "lumo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, getenv func(string) string, out, problems io.Writer) error {
	if len(args) == 0 {
		return fmt.Errorf("say what to do: up, build, reset or with-database")
	}
	d := dev{getenv: getenv, out: out, problems: problems}
	switch args[0] {
	case "up":
		return d.up(ctx)
	case "build":
		return d.build(ctx)
	case "reset":
		return d.reset()
	case "with-database":
		return d.withDatabase(ctx, false, args[1:])
	case "with-newest-database":
		return d.withDatabase(ctx, true, args[1:])
	}
	return fmt.Errorf("%q is not known: up, build, reset or with-database", args[0])
}
