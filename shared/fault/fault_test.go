package fault_test

import (
	"errors"
	"fmt"
	"testing"

	"lumo/shared/fault"
)

func TestKindSurvivesWrapping(t *testing.T) {
	t.Parallel()
	base := fault.New(fault.NotFound, "friend.Get", "This friend does not exist.")
	for name, err := range map[string]error{
		"itself":  base,
		"wrapped": fault.Wrap("console.Friend", base),
		"by fmt":  fmt.Errorf("page: %w", fault.Wrap("console.Friend", base)),
	} {
		if got, want := fault.KindOf(err), fault.NotFound; got != want {
			t.Errorf("%s: kind got %q want %q", name, got, want)
		}
		if got, want := fault.MessageOf(err), "This friend does not exist."; got != want {
			t.Errorf("%s: message got %q want %q", name, got, want)
		}
	}
}

func TestForeignErrorsAreInternal(t *testing.T) {
	t.Parallel()
	cause := errors.New("connection reset")
	err := fault.Wrap("line.Push", cause)
	if got := fault.KindOf(err); got != fault.Internal {
		t.Errorf("kind got %q want internal", got)
	}
	if !errors.Is(err, cause) {
		t.Error("cause is lost")
	}
	if got := fault.KindOf(fault.As(fault.Unavailable, "line.Push", cause)); got != fault.Unavailable {
		t.Errorf("kind got %q want unavailable", got)
	}
}

func TestNilStaysNil(t *testing.T) {
	t.Parallel()
	if fault.Wrap("x", nil) != nil || fault.As(fault.Invalid, "x", nil) != nil || fault.KindOf(nil) != "" {
		t.Error("nil became an error")
	}
}

func TestFieldsAreFound(t *testing.T) {
	t.Parallel()
	err := fault.Wrap("page", &fault.Error{Kind: fault.Invalid, Op: "x", Fields: map[string]string{"name": "Enter a name."}})
	if got, want := fault.FieldsOf(err)["name"], "Enter a name."; got != want {
		t.Errorf("got %q want %q", got, want)
	}
}
