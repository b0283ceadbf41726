package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Besides the owner: who runs the system, and a member who may sign others out. Their
// password is the owner's.
const (
	operatorEmail = "sato@ops.example"
	memberEmail   = "rin@hanatea.example"
)

// The scripts of the console's package that drive a browser.
const (
	storyScript   = "e2e"         // sign-in, the counter, one call, axe
	screensScript = "e2e:screens" // every other screen, and the walk-throughs
)

// These begin the emails of owners whose shops are new; the language of the browser follows.
const (
	firstOwner = "first-" // goes through the first run
	ownOwner   = "own-"   // has accounts that may break
)

// browse lets a real browser look at the console of the stack that played the story.
func (p *play) browse(ctx context.Context) error {
	if len(p.scripts) == 0 {
		return nil
	}
	if err := p.createPeople(ctx); err != nil {
		return err
	}
	for _, script := range p.scripts {
		if err := p.drive(ctx, script); err != nil {
			return err
		}
	}
	fmt.Fprintln(p.out, "And in the browser everything was as it should be; axe found nothing.")
	return nil
}

// createPeople makes those whom the browser's tests sign in as.
func (p *play) createPeople(ctx context.Context) error {
	if err := p.stack.AdminWith(ctx, p.shop.Password, "create-operator", "--email", operatorEmail, "--name", "Sato",
		"--password-stdin"); err != nil {
		return err
	}
	if err := p.stack.AdminWith(ctx, p.shop.Password, "create-member", "--merchant", p.console.Merchant,
		"--email", memberEmail, "--role", "marketer", "--password-stdin"); err != nil {
		return err
	}
	for _, owner := range []string{firstOwner + "en", firstOwner + "ja", ownOwner + "en", ownOwner + "ja"} {
		if err := p.stack.AdminWith(ctx, p.shop.Password, "create-owner", "--shop", "New shop",
			"--email", owner+"@hanatea.example", "--password-stdin"); err != nil {
			return err
		}
	}
	return nil
}

func (p *play) drive(ctx context.Context, script string) error {
	core, err := p.coreCommand()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "npm", "run", "--silent", script)
	cmd.Dir = filepath.Join(p.stack.Root, "core", "console", "ui")
	cmd.Env = append(os.Environ(), "LUMO_E2E_URL="+p.stack.CoreURL(), "LUMO_E2E_SIM="+p.stack.SimURL(),
		"LUMO_E2E_EDGE="+p.stack.EdgeURL(), "LUMO_E2E_FIRST="+firstOwner, "LUMO_E2E_OWN="+ownOwner,
		"LUMO_E2E_EMAIL="+p.shop.Email, "LUMO_E2E_OPERATOR="+operatorEmail,
		"LUMO_E2E_MEMBER="+memberEmail, "LUMO_E2E_PASSWORD="+p.shop.Password,
		"LUMO_E2E_LINK="+p.tracked, "LUMO_E2E_SIGNING_KEY="+p.signing, "LUMO_E2E_CORE="+core)
	cmd.Stdout, cmd.Stderr = p.out, p.out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("the browser tests failed: %w", err)
	}
	return nil
}

// coreCommand is how the browser's tests do what operators do at the core's machine: its program
// and settings, in JSON.
func (p *play) coreCommand() (string, error) {
	file, settings, err := p.stack.Program()
	if err != nil {
		return "", err
	}
	env := map[string]string{}
	for _, pair := range settings {
		name, value, _ := strings.Cut(pair, "=")
		env[name] = value
	}
	text, err := json.Marshal(map[string]any{"file": file, "env": env})
	return string(text), err
}
