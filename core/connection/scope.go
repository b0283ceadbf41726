package connection

// Scope is one permission that Lumo asks Klaviyo for, with the code of its reason; screens
// put the reason into words.
type Scope struct {
	Name   string
	Reason string
}

// Optional is asked for apart, and only when the member wants it: checking and repairing flows.
func Optional() Scope { return Scope{"flows:write", "flow_repair"} }

// Scopes are all permissions that Lumo asks for, in the order in which screens show them.
// Each is there for something that the product does: unused ones would fail Klaviyo's review.
func Scopes() []Scope {
	return []Scope{
		{"accounts:read", "account_name"},     // which account is this
		{"profiles:read", "find_customer"},    // link a friend to a customer
		{"profiles:write", "line_properties"}, // LINE User ID, follow status, consent
		{"events:read", "flow_event"},         // data of the event that started a flow
		{"events:write", "line_events"},       // sent, clicked, followed, ..
		{"metrics:read", "metric_names"},      // name metrics on screens
		{"lists:read", "audiences"},           // lists as audiences
		{"lists:write", "bulk_import"},        // Klaviyo demands it for importing in bulk
		{"segments:read", "audiences"},        // segments as audiences
		{"flows:read", "flow_check"},          // is the flow still live
		{"forms:read", "form_linkage"},        // link after a sign-up form
		{"webhooks:read", "profile_changes"},  // which notices are set up
		{"webhooks:write", "profile_changes"}, // be told when profiles are merged
	}
}

// names are the scopes as Klaviyo's consent page takes them.
func names(scopes []Scope) []string {
	out := make([]string, len(scopes))
	for i, s := range scopes {
		out[i] = s.Name
	}
	return out
}
