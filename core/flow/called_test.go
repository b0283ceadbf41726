package flow_test

import (
	"strings"
	"testing"

	"lumo/core/flow"
)

func TestWhatKlaviyoSentIsShownWithoutPersonalData(t *testing.T) {
	t.Parallel()
	body := `{"lumo":1,"message":"msg_01kaz00000000000000000000a","profile_id":"01HXYZPROFILE","line_user_id":"U0123456789abcdef0123456789abcdef",
		"event_id":"1732430400","vars":{"first_name":"Yu\"ki","email":"yuki@customer.example","Phone Number":"+81 90-1234-5678",
		"note":"call 09012345678 or mail mio@customer.example","price":"1980","items":3,},}`
	got := flow.Masked(body)
	for _, secret := range []string{"uki", "yuki@", "customer.example", "1234-5678", "0901234", "0123456789abcdef0123"} {
		if strings.Contains(got, secret) {
			t.Errorf("%q is shown: %s", secret, got)
		}
	}
	for _, plain := range []string{`"lumo":1`, "msg_01kaz00000000000000000000a", "01HXYZPROFILE", `"price":"1980"`, `"1732430400"`, `"items":3`, "U…cdef"} {
		if !strings.Contains(got, plain) {
			t.Errorf("%q is hidden: %s", plain, got)
		}
	}
}
