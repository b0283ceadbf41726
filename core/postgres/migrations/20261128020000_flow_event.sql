-- +goose Up
-- A message that uses values of its event which the call did not bring waits until the event is
-- read from Klaviyo. event_due_at is when it is tried next, event_until when the message goes out
-- without, event_note why it did.
ALTER TABLE flow_request
    ADD COLUMN event_wanted text[],
    ADD COLUMN event_due_at timestamptz,
    ADD COLUMN event_until timestamptz,
    ADD COLUMN event_note text NOT NULL DEFAULT '',
    ADD CONSTRAINT flow_request_event_note_check CHECK (event_note IN ('', 'missing', 'unread'));
CREATE INDEX flow_request_merchant_id_event_due_idx ON flow_request (merchant_id, channel_id, event_due_at)
    WHERE event_due_at IS NOT NULL;
ALTER TABLE work DROP CONSTRAINT work_kind_check;
ALTER TABLE work ADD CONSTRAINT work_kind_check CHECK (kind IN ('send', 'outbox', 'refresh', 'flow', 'flow_event'));
