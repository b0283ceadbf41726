// Command sim is LINE and Klaviyo on one machine, with phones: for development, rehearsal
// and tests. It speaks the vendors' protocols below /line-api, /line-data, /line-access,
// /klaviyo-api and /klaviyo-web, serves pages below /phone and /klaviyo, and is controlled
// below /sim/v1. It listens on LUMO_SIM_ADDR (127.0.0.1:8090), keeps its state in
// LUMO_SIM_DIR across restarts (nowhere without it), and with LUMO_SIM_STRICT=true refuses
// plain http as the vendors do.
//
// What always holds: the vendors' fakes do the work, this command only shows and controls
// them; nothing leaves this machine; a state that was answered is on disk within a second
// and at the end.
//
// The control API speaks JSON; refusals are problem details. An account of Klaviyo is named
// by ?account=, empty = the first; a LINE account by its messaging channel id.
//
//	GET    /sim/v1/state      all of it: clock, faults, LINE accounts, people, Klaviyo
//	GET    /sim/v1/events     changes as server-sent events: {seq, kind, id, at}; kinds are person
//	                          chat channel sent webhook account profile event flow list segment
//	                          activity email klaviyo_call faults clock reset
//	GET    /sim/v1/faults     POST {api, kind, times, delay_ms}   DELETE
//	                          times 0 = once, negative = until cleared. APIs: line.push reply
//	                          multicast broadcast validate token login_token verify profile
//	                          login_profile friendship deauthorize info quota followers
//	                          webhook_set webhook_get webhook_test statistics insight webhook; klaviyo.token
//	                          revoke accounts profile_import profiles profiles_read events
//	                          events_read events_bulk profiles_bulk lists segments metrics flows
//	                          webhooks flow_webhook; line.* and klaviyo.* mean all. Kinds: a
//	                          status number, accept_then_no_answer, slow, reset, and for
//	                          line.webhook duplicate_webhook, reorder, late; for klaviyo.events
//	                          late; for klaviyo.flow_webhook duplicate_webhook
//	GET    /sim/v1/clock      POST {now} or {advance_seconds} or {real:true}
//	POST   /sim/v1/reset      everything as at the first start
//
// LINE:
//
//	GET    /sim/v1/line/channels            POST Channel; what is left out is made up
//	GET    /sim/v1/line/channels/{id}       PATCH any field
//	POST   /sim/v1/line/channels/{id}/use_webhook {on}
//	POST   /sim/v1/line/channels/{id}/quota {limit, used}    limit null = none
//	POST   /sim/v1/line/channels/{id}/reissue_secret {which: messaging|login}
//	POST   /sim/v1/line/channels/{id}/emit {events: [..]}    any webhook events, signed and sent
//	GET    /sim/v1/line/ledger?result=&to=&channel=&after=   accepted requests; result=all for all
//	                          accepted duplicate refused rate_limited quota; DELETE empties it
//	GET    /sim/v1/line/webhooks?after=     webhooks as they were sent; after = the seq of a row
//	GET    /sim/v1/line/logins/{request}    what a consent screen asks
//
// People and their phones ({channel} may be left out: the first account):
//
//	GET    /sim/v1/people                   POST {name, language, email}
//	GET    /sim/v1/people/{id}              PATCH {name, offline, deleted, ..}   DELETE
//	POST   /sim/v1/people/{id}/follow|block|unblock {channel}
//	POST   /sim/v1/people/{id}/say {channel, text}
//	POST   /sim/v1/people/{id}/scan {url} or {image} or {image_url} or {email:true}
//	                          {url} is what the code says; {image} a picture of it in base64;
//	                          {image_url} a picture on this machine; {email:true} the code in the
//	                          newest email. Answers {url, pages}
//	GET    /sim/v1/people/{id}/emails       her mailbox in Klaviyo, by her email address
//	POST   /sim/v1/people/{id}/open_url {url}             answers {url, pages}
//	POST   /sim/v1/people/{id}/consent {request, deny, add_friend, order, other_browser}
//	                          order: follow_first or callback_first. Answers {pages}
//	POST   /sim/v1/people/{id}/submit_form {form, button, values, url}    answers {pages}
//	POST   /sim/v1/people/{id}/tap {url} or {action} {channel, message}   answers {did, pages}
//	POST   /sim/v1/people/{id}/view {channel}             answers {loads}: pictures and previews
//	GET    /sim/v1/people/{id}/chat?channel=              messages as received. DELETE empties it
//	GET    /sim/v1/people/{id}/picture?url=  a picture of a chat, loaded as her phone does: once
//	GET    /sim/v1/people/{id}/page                       what the phone's browser shows
//
// A page is {url, status, location, title, text, forms, links, login, add_friend, channel,
// prefill, note}; every redirect is one, the last is what the person sees. login is LINE's
// consent screen: answer it with consent.
//
// Klaviyo:
//
//	GET    /sim/v1/klaviyo/accounts         POST Account: makes one or changes its settings
//	GET    /sim/v1/klaviyo/connection       {installed, scopes, app}
//	PATCH  /sim/v1/klaviyo/app {rotate, redirects}
//	POST   /sim/v1/klaviyo/uninstall        the member removes the app
//	POST   /sim/v1/klaviyo/oauth/decide {authorize_url, approve}     answers {redirect_url}
//	GET    /sim/v1/klaviyo/profiles         POST Profile
//	GET    /sim/v1/klaviyo/profiles/{ref}   id or email: profile, events, emails, lists
//	POST   /sim/v1/klaviyo/profiles/{ref}/merge {into}
//	GET    /sim/v1/klaviyo/events?profile=  POST {profile, metric, properties, time, unique_id,
//	                          value, backfill}; metric Checkout Started without properties gets
//	                          a cart
//	GET    /sim/v1/klaviyo/flows            POST Flow; {webhook:{url, headers, body}} is short for
//	                          one webhook action, as live or in draft as the flow
//	GET    /sim/v1/klaviyo/flows/{id}       PUT, PATCH (fields that are given), DELETE
//	POST   /sim/v1/klaviyo/flows/{id}/status {status}                the flow and its actions
//	POST   /sim/v1/klaviyo/flows/{id}/preview {profile, event, action}
//	POST   /sim/v1/klaviyo/flows/{id}/test_send {profile, event, action}
//	GET    /sim/v1/klaviyo/activity?flow=   every attempt of every action
//	GET    /sim/v1/klaviyo/metrics
//	GET    /sim/v1/klaviyo/lists            POST List
//	POST   /sim/v1/klaviyo/lists/{id}/join|leave {profile}
//	GET    /sim/v1/klaviyo/segments         POST {name, property or metric, operator, value, filter};
//	                          operators: equals not_equals is_set is_not_set contains, of a metric
//	                          at_least at_most; filter: groups that all must hold, [[condition or ..]]
//	GET    /sim/v1/klaviyo/forms            POST {name, status, list}
//	POST   /sim/v1/klaviyo/forms/{id}/submit {email, first_name, ..}   a visitor fills it in; the page
//	                          /shop?form=ID&script=URL is a shop page with the form and a script
//	POST   /sim/v1/klaviyo/forget_merged    ids of merged profiles end now instead of a day later
//	POST   /sim/v1/klaviyo/emails/render {profile, subject, html, tracking}
//	POST   /sim/v1/klaviyo/emails/send      the same, into the profile's mailbox
//	GET    /sim/v1/klaviyo/emails?profile=
//	GET    /sim/v1/klaviyo/webhooks         system webhooks, with their secrets
//	POST   /sim/v1/klaviyo/webhooks/{id}/send {topic, payload}     signed as Klaviyo does
//	GET    /sim/v1/klaviyo/webhooks/log     what was sent to system webhooks
//	GET    /sim/v1/klaviyo/ledger           {events, profiles, calls}
package main
