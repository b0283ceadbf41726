package stack

import "lumo/core/postgres/embedded"

// EndLeftovers is what a start does first.
func (s *Stack) EndLeftovers() error { return s.endLeftovers() }

// Abandon leaves everything running, as a run does that is killed: only the lock goes. The
// test still has to take the children's ends, since it is their parent.
func (s *Stack) Abandon() error {
	err := s.lock.Close()
	s.core, s.edge, s.sim, s.postgres = nil, nil, nil, (*embedded.Server)(nil)
	return err
}
