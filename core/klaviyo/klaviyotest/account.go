package klaviyotest

// resource is the account as the API shows it.
func (a Account) resource(base string) object {
	return object{"type": "account", "id": a.ID,
		"attributes": object{
			"test_account": false,
			"contact_information": object{
				"default_sender_name": a.Name, "default_sender_email": a.SenderEmail,
				"website_url": a.Website, "organization_name": a.Name,
				"street_address": object{"address1": nil, "address2": nil, "city": nil,
					"region": nil, "country": a.Country, "zip": nil},
			},
			"industry": nil, "timezone": a.Timezone, "preferred_currency": a.Currency,
			"public_api_key": a.ID, "locale": a.Locale,
		},
		"links": object{"self": base + "/api/accounts/" + a.ID + "/"},
	}
}

// getAccounts is GET /api/accounts: the one account of the caller.
func (s *Server) getAccounts(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.db.Sites[c.account].Account
	return answer{status: 200, body: object{"data": []any{a.resource(c.base)},
		"links": object{"self": c.base + "/api/accounts"}}}
}

// getAccount is GET /api/accounts/{id}.
func (s *Server) getAccount(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.db.Sites[c.account].Account
	if c.PathValue("id") != a.ID {
		return s.missing("An account with id " + c.PathValue("id") + " does not exist.")
	}
	return answer{status: 200, body: object{"data": a.resource(c.base)}}
}
