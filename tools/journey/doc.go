// Package journey proves what happens to people and their links on the whole product: a core
// and edges as they ship, on real PostgreSQL, with LINE and Klaviyo as their fakes and a front
// that decides which edge gets a request. Its tests take the way of a customer, of LINE or of
// Klaviyo, make the trouble that happens on it, and look at the far ends: the console's API,
// Klaviyo's profiles, segments and flows, and the customer's phone.
//
// It holds tests alone.
package journey
