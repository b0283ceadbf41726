package app

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// commands are what lumo-core can be told to do.
type commands struct {
	Serve   struct{}       `cmd:"" default:"1" help:"Run the core."`
	Migrate struct{}       `cmd:"" help:"Bring the database's schema up to date and end."`
	Doctor  struct{}       `cmd:"" help:"Check settings, database, keys, vendors and edges."`
	Admin   adminCommands  `cmd:"" help:"Make people and edges."`
	Modules moduleCommands `cmd:"" help:"Sign and publish the modules that edges run."`
}

type adminCommands struct {
	CreateOwner struct {
		Shop          string `required:"" help:"Name of the shop."`
		Email         string `required:"" help:"Her email, for signing in."`
		PasswordStdin bool   `help:"Read the password from standard input; without it one is made and printed."`
	} `cmd:"" help:"Make a merchant and its owner."`
	CreateMember struct {
		Merchant      string    `required:"" help:"mer_.. of the merchant."`
		Email         string    `required:"" help:"Her email, for signing in."`
		Role          lumo.Role `required:"" enum:"owner,admin,marketer,viewer" help:"owner, admin, marketer or viewer."`
		PasswordStdin bool      `help:"Read the password from standard input; without it one is made and printed."`
	} `cmd:"" help:"Add a member to a merchant."`
	CreateOperator struct {
		Email         string `required:"" help:"Email, for signing in."`
		Name          string `help:"Name that merchants see when this person stops sending; without it, the email's part before the @."`
		PasswordStdin bool   `help:"Read the password from standard input; without it one is made and printed."`
	} `cmd:"" help:"Add a person who runs the system."`
	RemoveOperator struct {
		Email string `required:"" help:"Email of the operator."`
	} `cmd:"" help:"Take the right to run the system from a person. Open sessions end at once."`
	CreateEdgeCode struct {
		Name     string   `help:"Name of the edge to be; without it the edge names itself."`
		Merchant []string `help:"mer_.. that the edge may serve, repeatable; without it all, those that come later too."`
	} `cmd:"" help:"Print a one-time code with which one edge can enrol within 15 minutes."`
}

// Run does what the arguments say; without any it serves.
func Run(ctx context.Context, args, environ []string, in io.Reader, out, problems io.Writer) error {
	var c commands
	parser, err := kong.New(&c, kong.Name("lumo-core"), kong.Description("Lumo's core."), kong.Writers(out, problems))
	if err != nil {
		return fault.Wrap("app.Run", err)
	}
	chosen, err := parser.Parse(args)
	if err != nil {
		return fault.New(fault.Invalid, "arguments", "%s", err.Error())
	}
	if done, err := c.Modules.offline(chosen.Command(), time.Now(), out); done {
		return err
	}
	if chosen.Command() == "doctor" {
		return doctor(ctx, environ, out)
	}
	s, err := Read(environ)
	if err != nil {
		return err
	}
	if chosen.Command() == "migrate" {
		return postgres.Migrate(ctx, string(s.DatabaseURL))
	}
	a, err := New(ctx, s, problems)
	if err != nil {
		return err
	}
	defer a.Close()
	if chosen.Command() == "serve" {
		return a.Serve(ctx)
	}
	if strings.HasPrefix(chosen.Command(), "modules ") {
		return a.modules(ctx, chosen.Command(), c.Modules, out)
	}
	return a.admin(ctx, chosen.Command(), c.Admin, in, out)
}

func (a *App) admin(ctx context.Context, command string, c adminCommands, in io.Reader, out io.Writer) error {
	switch command {
	case "admin create-owner":
		password, err := password(c.CreateOwner.PasswordStdin, in, out)
		if err != nil {
			return err
		}
		m, err := a.accounts.CreateOwner(ctx, c.CreateOwner.Shop, c.CreateOwner.Email, password)
		if err == nil {
			fmt.Fprintf(out, "merchant %s\nslug %s\n", m.ID, m.Slug)
		}
		return err
	case "admin create-member":
		merchant, err := id.ParseWith(id.Merchant, c.CreateMember.Merchant)
		if err != nil {
			return err
		}
		password, err := password(c.CreateMember.PasswordStdin, in, out)
		if err != nil {
			return err
		}
		return a.accounts.CreateMember(ctx, lumo.MerchantID(merchant), c.CreateMember.Email, password, c.CreateMember.Role)
	case "admin create-operator":
		password, err := password(c.CreateOperator.PasswordStdin, in, out)
		if err != nil {
			return err
		}
		return a.accounts.CreateOperator(ctx, c.CreateOperator.Name, c.CreateOperator.Email, password)
	case "admin remove-operator":
		return a.accounts.RemoveOperator(ctx, c.RemoveOperator.Email)
	}
	return a.createEdgeCode(ctx, c.CreateEdgeCode.Name, c.CreateEdgeCode.Merchant, out)
}

// password reads one line, or makes a password and prints it.
func password(read bool, in io.Reader, out io.Writer) (string, error) {
	if read {
		line, err := bufio.NewReader(in).ReadString('\n')
		if err != nil && line == "" {
			return "", fault.New(fault.Invalid, "password", "No password came on standard input.")
		}
		return strings.TrimRight(line, "\r\n"), nil
	}
	raw := make([]byte, 15)
	if _, err := rand.Read(raw); err != nil {
		return "", fault.Wrap("password", err)
	}
	made := base64.RawURLEncoding.EncodeToString(raw)
	fmt.Fprintf(out, "password %s\n", made)
	return made, nil
}
