package edgeapi

import (
	"errors"
	"slices"
)

// Refusal is why an edge does not run a module set: a code for which screens have sentences.
// What exactly happened stands beside it, in a status's Detail.
type Refusal uint8

// The refusals. A code keeps its number and its name for ever.
const (
	RefusedOther     Refusal = iota + 1 // for none of the reasons below
	RefusedSignature                    // it is not signed with the key that this edge trusts
	RefusedManifest                     // what was signed is no list of exactly our modules
	RefusedFetch                        // its files cannot be had now; tried again
	RefusedFile                         // a file is not what the list says
	RefusedShape                        // a module is no module, or asks for too much
	RefusedImport                       // a module asks for what no module gets
	RefusedCompile                      // a module does not compile
	RefusedStart                        // a module does not start
	RefusedTest                         // a module fails the test before it may decide
)

// refusals are the codes by their numbers.
func refusals() []string {
	return []string{"", "other", "signature", "manifest", "fetch", "file", "shape", "import", "compile", "start", "test"}
}

// Refusals lists all of them.
func Refusals() []Refusal {
	var all []Refusal
	for n := range refusals()[1:] {
		all = append(all, Refusal(n+1))
	}
	return all
}

// Code is the refusal's code; none has none.
func (r Refusal) Code() string {
	if codes := refusals(); int(r) < len(codes) {
		return codes[r]
	}
	return RefusedOther.Code()
}

// ParseRefusal is the refusal of a code, 0 for what is none.
func ParseRefusal(code string) Refusal {
	return Refusal(max(0, slices.Index(refusals(), code)))
}

// known is the refusal as far as this version knows it: a newer edge may have more reasons,
// and one of before there were codes told only what happened.
func (r Refusal) known(detail string) Refusal {
	if r == 0 && detail != "" || int(r) >= len(refusals()) {
		return RefusedOther
	}
	return r
}

// refusedError is an error that says why a set is refused.
type refusedError struct {
	why Refusal
	error
}

func (e *refusedError) Unwrap() error { return e.error }

// Because makes an error say why a set is refused; nil stays nil.
func (r Refusal) Because(err error) error {
	if err == nil {
		return nil
	}
	return &refusedError{r, err}
}

// RefusalOf is the reason nearest to the surface, RefusedOther for an error that says none.
func RefusalOf(err error) Refusal {
	var e *refusedError
	if errors.As(err, &e) {
		return e.why
	}
	return RefusedOther
}
