-- +goose Up
-- Why an edge refused the newest modules, as a code; modules_reason is what exactly happened.
ALTER TABLE edge ADD COLUMN modules_refusal text NOT NULL DEFAULT ''
    CHECK (modules_refusal IN ('', 'other', 'signature', 'manifest', 'fetch', 'file', 'shape', 'import', 'compile',
                               'start', 'test'));
