package line

import (
	"context"
	"io"
	"net"
	"net/url"
	"time"

	"github.com/google/uuid"
	"github.com/valyala/fasthttp"

	"lumo/core/delivery"
	"lumo/shared/fault"
)

const (
	dialTimeout = 5 * time.Second
	sendTimeout = 15 * time.Second
	maxSenders  = 4096             // connections: more pushes than LINE lets all accounts of a process have
	senderIdle  = 10 * time.Second // shorter than a server keeps an idle connection open
	maxHeader   = 16 << 10
)

// sender posts messages. Each goes out and comes back on the goroutine that sends it, over a
// connection of its own: net/http passes it between three, which costs more than all else about
// a push. Nothing is repeated here: what a failed try means is the delivery's to say.
type sender struct {
	api  string
	http *fasthttp.HostClient
	sent func(status int, took time.Duration)
}

func newSender(api string, dial func(context.Context, string, string) (net.Conn, error),
	sent func(int, time.Duration)) (*sender, error) {
	u, err := url.Parse(api)
	if err != nil {
		return nil, fault.Wrap("line.newSender", err)
	}
	if dial == nil {
		dial = (&net.Dialer{Timeout: dialTimeout}).DialContext
	}
	if sent == nil {
		sent = func(int, time.Duration) {}
	}
	secure := u.Scheme == "https"
	return &sender{api: api, sent: sent, http: &fasthttp.HostClient{
		Addr: fasthttp.AddMissingPort(u.Host, secure), IsTLS: secure, Name: "Lumo",
		DialTimeout: func(addr string, limit time.Duration) (net.Conn, error) {
			if limit <= 0 {
				limit = dialTimeout
			}
			ctx, cancel := context.WithTimeout(context.Background(), min(limit, dialTimeout))
			defer cancel()
			return dial(ctx, "tcp", addr)
		},
		MaxConns: maxSenders, MaxConnWaitTimeout: sendTimeout, MaxIdleConnDuration: senderIdle,
		MaxIdemponentCallAttempts: 1, ConnPoolStrategy: fasthttp.LIFO, ReadBufferSize: maxHeader,
		DisablePathNormalizing: true, SecureErrorLogMessage: true, StreamResponseBody: true}}, nil
}

// post makes one try. An error is an answer that did not come.
func (s *sender) post(ctx context.Context, path, token string, key uuid.UUID, body []byte) (delivery.Result, error) {
	req, res := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(req)
	defer fasthttp.ReleaseResponse(res)
	req.SetRequestURI(s.api + path)
	req.Header.SetMethod(fasthttp.MethodPost)
	req.Header.SetContentType("application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set(retryHeader, key.String())
	req.SetBodyRaw(body)
	began := time.Now()
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = began.Add(sendTimeout)
	}
	if err := s.http.DoDeadline(req, res, deadline); err != nil {
		s.sent(0, time.Since(began))
		return delivery.Result{}, fault.As(fault.Unavailable, "line.post", err)
	}
	s.sent(res.StatusCode(), time.Since(began))
	defer res.CloseBodyStream() // gives the connection back
	text, err := io.ReadAll(io.LimitReader(res.BodyStream(), maxRefusal))
	result := delivery.Result{Status: res.StatusCode(), RequestID: shorten(string(res.Header.Peek(requestHeader)))}
	return judged(result, string(res.Header.Peek(acceptedByKey)), text, err), nil
}
