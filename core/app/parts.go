package app

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"lumo/core/console"
	"lumo/core/delivery"
	"lumo/core/fleet"
	"lumo/core/flow"
	"lumo/core/line"
	"lumo/core/lumo"
	"lumo/core/tracking"
	"lumo/core/web/linkpage"
	"lumo/shared/id"
)

// parts are the capabilities and adapters that depend on each other; each is wired in the
// file of its name.
type parts struct {
	edge  http.Handler // what edges ask: /edge/v1/
	fleet *fleet.Service
	// sender brings messages to people
	sender *delivery.Service
}

// wireParts makes the capabilities in the order of their needs. Where two need each other,
// one gets the other by a "later" value.
func (a *App) wireParts(ctx context.Context) error {
	vendorLINE, err := a.newLINE()
	if err != nil {
		return err
	}
	vendorKlaviyo, err := a.newKlaviyo()
	if err != nil {
		return err
	}
	edges, keys, err := a.newFleet(ctx)
	if err != nil {
		return err
	}
	joining, refusals := &laterChannels{}, &laterRefusals{}
	accounts, err := a.newConnection(vendorKlaviyo, joining, edges)
	if err != nil {
		return err
	}
	moving := &laterLinks{}
	items, err := a.newOutbox(vendorKlaviyo, accounts, moving)
	if err != nil {
		return err
	}
	directory := a.newChannelDirectory()
	tracker, err := a.newTracking(trackingNeeds{directory, items, edges, refusals, keys.OneOff})
	if err != nil {
		return err
	}
	hosts, err := a.newHosts(edges, keys.OneOff)
	if err != nil {
		return err
	}
	recipients := a.newLinkDirectory(directory)
	messages, err := a.newMessages(messageNeeds{directory: directory, recipients: recipients, line: vendorLINE,
		accounts: accounts, tracker: tracker, fleet: edges})
	if err != nil {
		return err
	}
	flows, err := a.newFlows(flowNeeds{directory: directory, recipients: recipients, line: vendorLINE,
		accounts: accounts, klaviyo: vendorKlaviyo, tracker: tracker, fleet: edges, messages: messages, quotas: joining})
	if err != nil {
		return err
	}
	refusals.flows = flows
	people, err := a.newPeople(directory, accounts, tracker, items)
	if err != nil {
		return err
	}
	saved := savedMessages{messages.service}
	greeting := &greeter{people: people, messages: saved, sender: a.parts.sender, now: a.now}
	joiner := a.newJoiner(directory, greeting)
	listening := &listener{next: messages.answerer}
	channels, err := a.newChannels(channelNeeds{directory: directory, line: vendorLINE,
		recorder: tracker, profiles: items, fleet: edges, joiner: joiner, replier: listening,
		connected: flows.EnsureKey})
	if err != nil {
		return err
	}
	joining.channels = channels
	links, pages, err := a.newLinkage(linkageNeeds{directory: recipients,
		channels: channels, line: vendorLINE, klaviyo: vendorKlaviyo, accounts: accounts,
		recorder: tracker, outbox: items, greeter: greeting, messages: saved, fleet: edges})
	if err != nil {
		return err
	}
	moving.links, listening.links = links, links
	console.RegisterChannels(a.api, channels)
	console.RegisterKeptEvents(a.api, channels)
	console.RegisterFriends(a.api, people)
	runs, err := a.newRuns()
	if err != nil {
		return err
	}
	a.handleFriends(runs, channels, people, vendorLINE)
	imports, err := a.newImporter(importNeeds{links: links, channels: channels, line: vendorLINE, klaviyo: vendorKlaviyo,
		accounts: accounts, facts: tracker, outbox: items, runs: runs})
	if err != nil {
		return err
	}
	joiner.Attach(links, imports)
	console.RegisterImports(a.api, console.ImportParts{Imports: imports, Runs: runs, Members: a.accounts})
	console.RegisterLinkage(a.api, links)
	a.handleReviews(runs, links)
	console.RegisterKlaviyo(a.api, accounts, items)
	console.RegisterHome(a.api, console.HomeParts{Channels: channels, Accounts: accounts,
		Items: items, Tracking: tracker, Hosts: hosts, Flows: flows, Sender: a.parts.sender, Members: a.accounts, Edges: edges})
	console.RegisterOps(a.api, console.OpsParts{Fleet: edges, Sending: a.parts.sender, Operators: a.accounts,
		Shops: a.accounts, Now: a.now})
	a.parts.fleet = edges
	a.parts.edge, err = a.newEdges(edges, keys, directory, tracker, messages.files, []fleet.Route{
		{Prefix: "/hooks/line/", Hook: "line", Handler: channels, People: line.WebhookPeople},
		{Prefix: "/hooks/klaviyo/flow/", Hook: "klaviyo_flow", Handler: flows, People: flow.People},
		{Prefix: "/hooks/klaviyo/system/", Hook: "klaviyo_system", Handler: links},
		{Prefix: "/hooks/shopify/", Hook: "shopify", Handler: a.newShopify()},
		{Prefix: "/link/", Handler: pages, Number: linkpage.Number},
		{Prefix: "/c/", Handler: tracker, Number: tracking.Number},
		{Prefix: "/i/", Handler: tracker, Number: tracking.Number},
	})
	return err
}

func (a *App) createEdgeCode(ctx context.Context, name string, merchants []string, out io.Writer) error {
	var scope []lumo.MerchantID
	for _, text := range merchants {
		m, err := id.ParseWith(id.Merchant, text)
		if err != nil {
			return err
		}
		scope = append(scope, lumo.MerchantID(m))
	}
	_, code, err := a.parts.fleet.CreateCode(ctx, id.ID{}, name, scope)
	if err == nil {
		fmt.Fprintln(out, code.Reveal())
	}
	return err
}
