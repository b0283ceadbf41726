package linetest

import "net/http"

// API is api.line.me.
func (s *Server) API() http.Handler {
	mux := http.NewServeMux()
	s.tokenRoutes(mux)
	s.loginRoutes(mux)
	s.sendRoutes(mux)
	s.accountRoutes(mux)
	s.statisticsRoutes(mux)
	mux.Handle("/", s.open("line.unknown", func(*call) answer {
		return refuse(http.StatusNotFound, textNotFound)
	}))
	return mux
}

func (s *Server) tokenRoutes(mux *http.ServeMux) {
	mux.Handle("POST /oauth2/v3/token", s.open("line.token", s.stateless))
	mux.Handle("POST /v2/oauth/accessToken", s.open("line.token", s.shortLived))
}

func (s *Server) loginRoutes(mux *http.ServeMux) {
	mux.Handle("POST /oauth2/v2.1/token", s.open("line.login_token", s.exchange))
	mux.Handle("GET /oauth2/v2.1/verify", s.open("line.verify", s.verifyAccess))
	mux.Handle("POST /oauth2/v2.1/verify", s.open("line.verify", s.verifyID))
	mux.Handle("POST /oauth2/v2.1/revoke", s.open("line.revoke", s.revoke))
	mux.Handle("GET /oauth2/v2.1/userinfo", s.open("line.login_profile", s.userInfo))
	mux.Handle("GET /v2/profile", s.open("line.login_profile", s.ownProfile))
	mux.Handle("GET /friendship/v1/status", s.open("line.friendship", s.friendFlag))
	mux.Handle("POST /user/v1/deauthorize", s.open("line.deauthorize", s.deauthorize))
}

func (s *Server) sendRoutes(mux *http.ServeMux) {
	const base = "POST /v2/bot/message/"
	mux.Handle(base+"push", s.bot("line.push", perSecond(2000), s.push))
	mux.Handle(base+"reply", s.bot("line.reply", perSecond(2000), s.reply))
	mux.Handle(base+"multicast", s.bot("line.multicast", perSecond(200), s.multicast))
	mux.Handle(base+"broadcast", s.bot("line.broadcast", perHour(60), s.broadcast))
	for _, kind := range []string{"push", "reply", "multicast", "narrowcast", "broadcast"} {
		mux.Handle(base+"validate/"+kind, s.bot("line.validate", perSecond(2000), s.validate))
	}
}

func (s *Server) accountRoutes(mux *http.ServeMux) {
	mux.Handle("GET /v2/bot/info", s.bot("line.info", perSecond(2000), s.info))
	mux.Handle("GET /v2/bot/profile/{userId}", s.bot("line.profile", perSecond(2000), s.profile))
	mux.Handle("GET /v2/bot/followers/ids", s.bot("line.followers", perSecond(2000), s.followers))
	mux.Handle("GET /v2/bot/message/quota", s.bot("line.quota", perSecond(2000), s.quota))
	mux.Handle("GET /v2/bot/message/quota/consumption",
		s.bot("line.quota", perSecond(2000), s.consumption))
	mux.Handle("POST /v2/bot/chat/loading/start", s.bot("line.loading", perSecond(100), s.loading))
	const hook = "/v2/bot/channel/webhook/"
	mux.Handle("PUT "+hook+"endpoint", s.bot("line.webhook_set", perMinute(1000), s.setEndpoint))
	mux.Handle("GET "+hook+"endpoint", s.bot("line.webhook_get", perMinute(1000), s.getEndpoint))
	mux.Handle("POST "+hook+"test", s.bot("line.webhook_test", perHour(60), s.testEndpoint))
}

func (s *Server) statisticsRoutes(mux *http.ServeMux) {
	const message, insight = "GET /v2/bot/message/", "GET /v2/bot/insight/"
	mux.Handle(message+"aggregation/info", s.bot("line.statistics", perSecond(2000), s.unitCount))
	mux.Handle(message+"aggregation/list", s.bot("line.statistics", perSecond(2000), s.unitList))
	for _, api := range []string{"push", "reply", "multicast", "broadcast"} {
		mux.Handle(message+"delivery/"+api, s.bot("line.statistics", perSecond(2000), s.sentCount(api)))
	}
	mux.Handle(insight+"message/event", s.bot("line.insight", perHour(60), s.requestStatistics))
	mux.Handle(insight+"message/event/aggregation",
		s.bot("line.insight", perHour(60), s.unitStatistics))
	mux.Handle(insight+"message/delivery", s.bot("line.insight", perHour(60), s.deliveryStatistics))
	mux.Handle(insight+"followers", s.bot("line.insight", perHour(60), s.followerStatistics))
}

// Data is api-data.line.me; files come with the features that need them.
func (s *Server) Data() http.Handler {
	return s.open("line.data", func(*call) answer {
		return refuse(http.StatusNotFound, textNotFound)
	})
}

// Access is access.line.me, where people sign in.
func (s *Server) Access() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /oauth2/v2.1/authorize", s.authorizePage)
	mux.HandleFunc("POST /oauth2/v2.1/consent", s.consentForm)
	return mux
}
