-- +goose Up
-- Every tenant table leads its keys with merchant_id and has forced row-level security
-- (last statement of this file). Global tables hold no personal data and are listed,
-- with this file's tenant tables, in the two-tenant test.

-- +goose StatementBegin
DO $$ BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'lumo_app') THEN
        CREATE ROLE lumo_app NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; -- another database's migration won
END $$;
-- +goose StatementEnd

-- An unset tenant is an error, never "all rows" and never "no rows".
-- +goose StatementBegin
CREATE FUNCTION lumo_merchant() RETURNS uuid LANGUAGE sql STABLE
AS $$ SELECT current_setting('lumo.merchant')::uuid $$;
-- +goose StatementEnd

-- ---------------------------------------------------------------- global tables

CREATE TABLE hook_route (
    public_key  text PRIMARY KEY CHECK (public_key ~ '^[a-z2-7]{16}$'),
    merchant_id uuid NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('line', 'klaviyo_flow', 'klaviyo_system', 'shopify', 'code', 'form')),
    target_id   uuid NOT NULL,
    created_at  timestamptz NOT NULL
);
CREATE INDEX hook_route_merchant_id_target_id_idx ON hook_route (merchant_id, target_id);

CREATE SEQUENCE number_seq AS bigint MINVALUE 1 MAXVALUE 4294967295;
CREATE TABLE number (
    number      bigint PRIMARY KEY DEFAULT nextval('number_seq'),
    merchant_id uuid NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('channel', 'klaviyo_account', 'shop')),
    target_id   uuid NOT NULL UNIQUE
);

-- One row per channel and kind of background work; the row is the lease.
CREATE TABLE work (
    merchant_id uuid NOT NULL,
    channel_id  uuid NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('send', 'outbox', 'refresh')),
    due_at      timestamptz NOT NULL,
    owner       text,
    lease_until timestamptz,
    fence       bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (merchant_id, channel_id, kind)
);
CREATE INDEX work_kind_due_at_idx ON work (kind, due_at);

CREATE TABLE sign_in (
    email_bidx  bytea NOT NULL, -- HMAC under the master key's index, the same for all merchants
    merchant_id uuid NOT NULL,
    member_id   uuid NOT NULL,
    PRIMARY KEY (email_bidx, merchant_id)
);

CREATE TABLE sign_in_try (
    subject     text PRIMARY KEY, -- 'address:<hash>' or 'email:<hash>'
    tries       int NOT NULL,
    reset_at    timestamptz NOT NULL
);

CREATE TABLE session (
    token_hash  text PRIMARY KEY,
    data        bytea NOT NULL,
    expires_at  timestamptz NOT NULL
);
CREATE INDEX session_expires_at_idx ON session (expires_at);

CREATE TABLE operator (
    id            uuid PRIMARY KEY,
    email_bidx    bytea NOT NULL UNIQUE,
    email_enc     bytea NOT NULL,
    password_hash text NOT NULL,
    created_at    timestamptz NOT NULL
);

CREATE TABLE edge (
    id             uuid PRIMARY KEY,
    name           text NOT NULL,
    key_hash       bytea NOT NULL UNIQUE,
    created_at     timestamptz NOT NULL,
    revoked_at     timestamptz,
    last_seen_at   timestamptz,
    config_version bigint NOT NULL DEFAULT 0,
    waiting_events bigint NOT NULL DEFAULT 0,
    oldest_seconds bigint NOT NULL DEFAULT 0
);

CREATE TABLE edge_code (
    code_hash   bytea PRIMARY KEY,
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    used_at     timestamptz,
    edge_id     uuid
);

-- What changed in the edges' configuration: keys only, values are read when sent.
CREATE TABLE edge_change (
    version     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    merchant_id uuid NOT NULL,
    edge_table  smallint NOT NULL CHECK (edge_table BETWEEN 1 AND 7),
    edge_key    bytea NOT NULL,
    changed_at  timestamptz NOT NULL
);

-- The core's own keys (HPKE sealing key of spools, Ed25519 of one-off links), wrapped by the master key.
CREATE TABLE core_key (
    kind        text NOT NULL CHECK (kind IN ('spool_sealing', 'one_off')),
    number      int NOT NULL,
    private_enc bytea NOT NULL,
    public      bytea NOT NULL,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (kind, number)
);

-- ---------------------------------------------------------------- account

CREATE TABLE merchant (
    merchant_id   uuid PRIMARY KEY,
    slug          text NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9-]{3,40}$'),
    name          text NOT NULL,
    country       text NOT NULL DEFAULT 'JP',
    currency      text NOT NULL DEFAULT 'JPY',
    time_zone     text NOT NULL DEFAULT 'Asia/Tokyo',
    language      text NOT NULL DEFAULT 'ja',
    set_up        boolean NOT NULL DEFAULT false,
    data_key_enc  bytea NOT NULL, -- Tink keyset, wrapped by the master key
    index_key_enc bytea NOT NULL,
    live_seq      bigint NOT NULL DEFAULT 0,
    delivery_seq  bigint NOT NULL DEFAULT 0, -- last delivery number given out
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL
);

CREATE TABLE member (
    merchant_id   uuid NOT NULL REFERENCES merchant,
    id            uuid NOT NULL,
    email_enc     bytea NOT NULL,
    email_bidx    bytea NOT NULL,
    name          text NOT NULL,
    role          text NOT NULL CHECK (role IN ('owner', 'admin', 'marketer', 'viewer')),
    password_hash text NOT NULL,
    language      text NOT NULL DEFAULT 'ja',
    last_seen_at  timestamptz,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, id),
    UNIQUE (merchant_id, email_bidx)
);

CREATE TABLE audit (
    merchant_id uuid NOT NULL REFERENCES merchant,
    id          uuid NOT NULL,
    actor_kind  text NOT NULL CHECK (actor_kind IN ('member', 'operator', 'system', 'customer')),
    actor_id    uuid,
    action      text NOT NULL,
    target_kind text NOT NULL,
    target_id   text NOT NULL,
    data        jsonb NOT NULL DEFAULT '{}',
    address     text,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, id)
);

CREATE TABLE idempotency_key (
    merchant_id  uuid NOT NULL REFERENCES merchant,
    actor_id     uuid NOT NULL,
    key          text NOT NULL,
    request_hash bytea NOT NULL,
    status       int,
    body_enc     bytea, -- may hold a secret shown once
    created_at   timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, actor_id, key)
);

-- ---------------------------------------------------------------- klaviyo account

CREATE TABLE klaviyo_account (
    merchant_id       uuid NOT NULL REFERENCES merchant,
    id                uuid NOT NULL,
    number            bigint NOT NULL,
    site_id           text NOT NULL, -- Klaviyo's public key of the account
    name              text NOT NULL,
    state             text NOT NULL CHECK (state IN ('working', 'reconnect', 'off')),
    scopes            text[] NOT NULL DEFAULT '{}',
    tokens_enc        bytea, -- access and refresh token, always stored as one pair
    tokens_expire_at  timestamptz,
    refreshed_at      timestamptz,
    last_contact_at   timestamptz,
    problem           text,
    webhook_secret_enc bytea,
    state_changed_at  timestamptz NOT NULL,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, id),
    UNIQUE (merchant_id, site_id)
);

CREATE TABLE oauth_try (
    merchant_id  uuid NOT NULL REFERENCES merchant,
    id           uuid NOT NULL,
    state_hash   bytea NOT NULL,
    verifier_enc bytea NOT NULL,
    member_id    uuid NOT NULL,
    expires_at   timestamptz NOT NULL,
    used_at      timestamptz,
    PRIMARY KEY (merchant_id, id),
    UNIQUE (merchant_id, state_hash)
);

-- ---------------------------------------------------------------- channel

CREATE TABLE channel (
    merchant_id          uuid NOT NULL REFERENCES merchant,
    id                   uuid NOT NULL,
    number               bigint NOT NULL,
    name                 text NOT NULL,
    basic_id             text NOT NULL,
    bot_user_enc         bytea NOT NULL,
    bot_user_bidx        bytea NOT NULL,
    picture_url          text,
    messaging_channel_id text NOT NULL,
    messaging_secret_enc bytea NOT NULL,
    login_channel_id     text NOT NULL,
    login_secret_enc     bytea NOT NULL,
    klaviyo_account_id   uuid,
    property_number      int, -- 1 = no suffix; never reused
    fallback_url         text NOT NULL DEFAULT '',
    state                text NOT NULL CHECK (state IN ('working', 'needs_you', 'off')),
    problem              text,
    state_changed_at     timestamptz NOT NULL,
    webhook_active       boolean NOT NULL DEFAULT false,
    webhook_checked_at   timestamptz,
    last_event_at        timestamptz,
    opens_measured       boolean NOT NULL DEFAULT true,
    quota_limit          bigint, -- null = no monthly limit
    quota_used           bigint NOT NULL DEFAULT 0,
    quota_read_at        timestamptz,
    link_seq             bigint NOT NULL DEFAULT 0, -- last link number given out
    flow_key_seq         int NOT NULL DEFAULT 0,
    code_seq             bigint NOT NULL DEFAULT 0,
    created_at           timestamptz NOT NULL,
    updated_at           timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, id),
    UNIQUE (merchant_id, bot_user_bidx),
    FOREIGN KEY (merchant_id, klaviyo_account_id) REFERENCES klaviyo_account (merchant_id, id)
);

-- Keys that edges hold for the channel: MAC of tracked links, sealing of login states.
CREATE TABLE channel_key (
    merchant_id uuid NOT NULL,
    channel_id  uuid NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('link_mac', 'state')),
    number      int NOT NULL,
    id          uuid NOT NULL,
    secret_enc  bytea NOT NULL,
    valid_from  timestamptz NOT NULL,
    valid_until timestamptz,
    PRIMARY KEY (merchant_id, channel_id, kind, number),
    FOREIGN KEY (merchant_id, channel_id) REFERENCES channel (merchant_id, id)
);

-- Property numbers (" 2", " 3") belong to (Klaviyo account, bot user) for ever.
CREATE TABLE property_number (
    merchant_id        uuid NOT NULL,
    klaviyo_account_id uuid NOT NULL,
    bot_user_bidx      bytea NOT NULL,
    number             int NOT NULL,
    PRIMARY KEY (merchant_id, klaviyo_account_id, bot_user_bidx),
    UNIQUE (merchant_id, klaviyo_account_id, number),
    FOREIGN KEY (merchant_id, klaviyo_account_id) REFERENCES klaviyo_account (merchant_id, id)
);

CREATE TABLE friend (
    merchant_id       uuid NOT NULL,
    id                uuid NOT NULL,
    channel_id        uuid NOT NULL,
    line_user_enc     bytea NOT NULL,
    line_user_bidx    bytea NOT NULL,
    display_name      text NOT NULL DEFAULT '',
    picture_url       text,
    language          text,
    follow_status     text NOT NULL CHECK (follow_status IN ('following', 'blocked', 'not_friend')),
    follow_changed_at timestamptz NOT NULL, -- LINE's timestamp that won
    follow_event      text NOT NULL DEFAULT '', -- webhook event id, settles a tie
    followed_at       timestamptz,
    blocked_at        timestamptz,
    consent           text NOT NULL DEFAULT 'unknown' CHECK (consent IN ('given', 'withdrawn', 'unknown')),
    consent_at        timestamptz,
    consent_source    text CHECK (consent_source IN ('friend_added', 'unblocked', 'blocked', 'status_refresh', 'erased')),
    tester            boolean NOT NULL DEFAULT false,
    last_sent_at      timestamptz,
    last_clicked_at   timestamptz,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, id),
    UNIQUE (merchant_id, channel_id, line_user_bidx),
    FOREIGN KEY (merchant_id, channel_id) REFERENCES channel (merchant_id, id)
);
CREATE INDEX friend_merchant_id_channel_id_id_idx ON friend (merchant_id, channel_id, id DESC);

-- The timeline of a friend: what happened, when, and whether Klaviyo has it.
CREATE TABLE friend_event (
    merchant_id uuid NOT NULL,
    id          uuid NOT NULL,
    friend_id   uuid NOT NULL,
    channel_id  uuid NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('followed', 'blocked', 'scanned', 'linked', 'unlinked', 'sent', 'not_sent',
                                              'failed', 'opened', 'clicked', 'consent', 'said')),
    source      text NOT NULL, -- webhook, qr, flow, test, edge, console, ...
    occurred_at timestamptz NOT NULL,
    data        jsonb NOT NULL DEFAULT '{}', -- names, link numbers, reasons; no LINE id, email or phone
    outbox_id   uuid,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, id),
    FOREIGN KEY (merchant_id, friend_id) REFERENCES friend (merchant_id, id)
);
CREATE INDEX friend_event_merchant_id_friend_id_occurred_at_idx ON friend_event (merchant_id, friend_id, occurred_at DESC, id DESC);
CREATE INDEX friend_event_merchant_id_channel_id_id_idx ON friend_event (merchant_id, channel_id, id DESC);

-- Raw hook bodies as the edge handed them over; 30 days.
CREATE TABLE hook_request (
    merchant_id uuid NOT NULL,
    id          uuid NOT NULL, -- the edge's event id
    channel_id  uuid,
    kind        text NOT NULL CHECK (kind IN ('line', 'klaviyo_system', 'shopify')),
    auth        text NOT NULL CHECK (auth IN ('verified', 'unchecked', 'provisional', 'refused')),
    body_enc    bytea NOT NULL,
    received_at timestamptz NOT NULL,
    created_at  timestamptz NOT NULL,
    state       text NOT NULL CHECK (state IN ('waiting', 'done', 'refused', 'kept')),
    problem     text,
    PRIMARY KEY (merchant_id, id)
);
CREATE INDEX hook_request_merchant_id_state_idx ON hook_request (merchant_id, state) WHERE state IN ('waiting', 'kept');

CREATE TABLE line_event (
    merchant_id uuid NOT NULL,
    channel_id  uuid NOT NULL,
    webhook_event_id text NOT NULL,
    request_id  uuid NOT NULL,
    type        text NOT NULL,
    occurred_at timestamptz NOT NULL,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, channel_id, webhook_event_id),
    FOREIGN KEY (merchant_id, channel_id) REFERENCES channel (merchant_id, id)
);

-- ---------------------------------------------------------------- linkage

CREATE TABLE qr_code (
    merchant_id  uuid NOT NULL,
    id           uuid NOT NULL,
    channel_id   uuid NOT NULL,
    number       bigint NOT NULL,
    public_key   text NOT NULL UNIQUE,
    name         text NOT NULL,
    identify_by  text NOT NULL CHECK (identify_by IN ('profile', 'email', 'phone', 'none')),
    state        text NOT NULL CHECK (state IN ('live', 'paused')),
    expires_at   timestamptz,
    scans        bigint NOT NULL DEFAULT 0,
    friends      bigint NOT NULL DEFAULT 0,
    links        bigint NOT NULL DEFAULT 0,
    last_scan_at timestamptz,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, id),
    UNIQUE (merchant_id, channel_id, number),
    FOREIGN KEY (merchant_id, channel_id) REFERENCES channel (merchant_id, id)
);

-- A login state that came back: taken once, kept until confirmed or for 24 h to join the follow event.
CREATE TABLE login_state (
    merchant_id  uuid NOT NULL,
    id           uuid NOT NULL, -- the state's id = id of the scan
    channel_id   uuid NOT NULL,
    qr_code_id   uuid,
    claim        text NOT NULL CHECK (claim IN ('none', 'profile', 'email', 'phone', 'form', 'unlink')),
    value_enc    bytea,
    friend_id    uuid,
    confirm_hash bytea, -- of the one-time value on the confirm page
    state        text NOT NULL CHECK (state IN ('taken', 'asking', 'linked', 'conflict', 'unlinked', 'refused')),
    taken_at     timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    ended_at     timestamptz,
    PRIMARY KEY (merchant_id, id),
    FOREIGN KEY (merchant_id, channel_id) REFERENCES channel (merchant_id, id)
);
CREATE INDEX login_state_merchant_id_friend_id_idx ON login_state (merchant_id, friend_id);

CREATE TABLE identity_link (
    merchant_id        uuid NOT NULL,
    id                 uuid NOT NULL,
    channel_id         uuid NOT NULL,
    friend_id          uuid NOT NULL,
    klaviyo_account_id uuid NOT NULL,
    profile_id         text NOT NULL,
    method             text NOT NULL CHECK (method IN ('qr', 'form', 'import', 'automatic', 'console')),
    assurance          text NOT NULL CHECK (assurance IN ('proven', 'claimed', 'matched')),
    evidence           jsonb NOT NULL DEFAULT '{}',
    email_enc          bytea,
    phone_enc          bytea,
    version            int NOT NULL DEFAULT 1,
    state              text NOT NULL CHECK (state IN ('linked', 'unlinked', 'dormant')),
    linked_at          timestamptz NOT NULL,
    unlinked_at        timestamptz,
    created_at         timestamptz NOT NULL,
    updated_at         timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, id),
    FOREIGN KEY (merchant_id, channel_id) REFERENCES channel (merchant_id, id),
    FOREIGN KEY (merchant_id, friend_id) REFERENCES friend (merchant_id, id),
    FOREIGN KEY (merchant_id, klaviyo_account_id) REFERENCES klaviyo_account (merchant_id, id)
);
CREATE UNIQUE INDEX identity_link_merchant_id_channel_id_profile_id_idx ON identity_link (merchant_id, channel_id, profile_id) WHERE state = 'linked';
CREATE UNIQUE INDEX identity_link_merchant_id_friend_id_idx ON identity_link (merchant_id, friend_id) WHERE state = 'linked';

CREATE TABLE link_history (
    merchant_id uuid NOT NULL,
    id          uuid NOT NULL,
    link_id     uuid NOT NULL,
    step        text NOT NULL CHECK (step IN ('linked', 'raised', 'unlinked', 'conflict', 'resolved', 'undone')),
    actor_kind  text NOT NULL CHECK (actor_kind IN ('customer', 'member', 'system')),
    actor_id    uuid,
    data        jsonb NOT NULL DEFAULT '{}',
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, id),
    FOREIGN KEY (merchant_id, link_id) REFERENCES identity_link (merchant_id, id)
);

CREATE TABLE link_conflict (
    merchant_id uuid NOT NULL,
    id          uuid NOT NULL,
    channel_id  uuid NOT NULL,
    friend_id   uuid NOT NULL,
    link_id     uuid, -- the standing link
    profile_id  text NOT NULL, -- the profile that was claimed
    kind        text NOT NULL CHECK (kind IN ('two_profiles', 'two_friends')),
    method      text NOT NULL,
    assurance   text NOT NULL,
    state       text NOT NULL CHECK (state IN ('open', 'resolved')),
    created_at  timestamptz NOT NULL,
    resolved_at timestamptz,
    PRIMARY KEY (merchant_id, id),
    FOREIGN KEY (merchant_id, friend_id) REFERENCES friend (merchant_id, id)
);

-- ---------------------------------------------------------------- messages and flows

CREATE TABLE message (
    merchant_id uuid NOT NULL,
    id          uuid NOT NULL,
    channel_id  uuid NOT NULL,
    name        text NOT NULL,
    blocks      jsonb NOT NULL,
    version     int NOT NULL DEFAULT 1,
    state       text NOT NULL DEFAULT 'published' CHECK (state IN ('published', 'archived')),
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, id),
    FOREIGN KEY (merchant_id, channel_id) REFERENCES channel (merchant_id, id)
);

CREATE TABLE message_version (
    merchant_id uuid NOT NULL,
    message_id  uuid NOT NULL,
    version     int NOT NULL,
    name        text NOT NULL,
    blocks      jsonb NOT NULL,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, message_id, version),
    FOREIGN KEY (merchant_id, message_id) REFERENCES message (merchant_id, id)
);

CREATE TABLE flow_key (
    merchant_id  uuid NOT NULL,
    id           uuid NOT NULL,
    channel_id   uuid NOT NULL,
    number       int NOT NULL,
    hash         bytea NOT NULL,
    value_enc    bytea NOT NULL, -- the one secret that may be shown again (UX 5.18)
    last4        text NOT NULL,
    valid_from   timestamptz NOT NULL,
    valid_until  timestamptz,
    created_by   uuid,
    last_used_at timestamptz,
    created_at   timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, id),
    UNIQUE (merchant_id, channel_id, number),
    FOREIGN KEY (merchant_id, channel_id) REFERENCES channel (merchant_id, id)
);

-- One row per call of a Klaviyo flow, also refused ones whose channel is known.
CREATE TABLE flow_request (
    merchant_id  uuid NOT NULL,
    id           uuid NOT NULL, -- the edge's event id
    channel_id   uuid NOT NULL,
    received_at  timestamptz NOT NULL,
    auth         text NOT NULL CHECK (auth IN ('verified', 'unchecked', 'provisional', 'refused')),
    key_number   int,
    key_last4    text,
    flow_id      text NOT NULL DEFAULT '',
    step         text NOT NULL DEFAULT '',
    message_id   uuid,
    profile_id   text NOT NULL DEFAULT '',
    event_ref    text NOT NULL DEFAULT '', -- Klaviyo's $event_id
    friend_id    uuid,
    delivery_id  uuid,
    outcome      text NOT NULL CHECK (outcome IN ('accepted', 'skipped', 'refused')),
    reason       text, -- code of CONTRACTS.md part A
    reason_data  jsonb NOT NULL DEFAULT '{}',
    repeats      int NOT NULL DEFAULT 0,
    duplicate_of uuid,
    body_enc     bytea,
    created_at   timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, id),
    FOREIGN KEY (merchant_id, channel_id) REFERENCES channel (merchant_id, id)
);
CREATE INDEX flow_request_merchant_id_channel_id_id_idx ON flow_request (merchant_id, channel_id, id DESC);

CREATE TABLE flow_idempotency (
    merchant_id uuid NOT NULL,
    key         bytea NOT NULL, -- SHA-256, DESIGN 4.2
    request_id  uuid NOT NULL,
    expires_at  timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, key)
);
CREATE INDEX flow_idempotency_expires_at_idx ON flow_idempotency (expires_at);

-- ---------------------------------------------------------------- delivery

CREATE TABLE delivery (
    merchant_id    uuid NOT NULL,
    id             uuid NOT NULL,
    number         bigint NOT NULL, -- subject of tracked links
    channel_id     uuid NOT NULL,
    logical_kind   text NOT NULL CHECK (logical_kind IN ('flow', 'broadcast', 'test', 'reply', 'welcome')),
    logical_id     uuid NOT NULL, -- flow request, broadcast, test send, ...
    friend_id      uuid NOT NULL,
    profile_id     text NOT NULL DEFAULT '',
    message_id     uuid,
    message_version int,
    input_enc      bytea, -- what rendering needs (direct text, vars), until rendered
    state          text NOT NULL CHECK (state IN ('planned', 'sending', 'accepted', 'skipped', 'rejected', 'deferred',
                                                  'quota_blocked', 'unknown', 'unknown_expired')),
    reason         text,
    reason_data    jsonb NOT NULL DEFAULT '{}',
    hold           text, -- reason code beside planned: stopped, quiet_hours_wait
    retry_key      uuid,
    body_enc       bytea, -- exact bytes (zstd, sealed), only while in flight
    summary_enc    bytea, -- what the person saw, for the phone on the friend page
    first_try_at   timestamptz,
    last_try_at    timestamptz,
    tries          int NOT NULL DEFAULT 0,
    due_at         timestamptz NOT NULL,
    too_late_at    timestamptz,
    accepted_at    timestamptz,
    line_request_id text,
    fence          bigint NOT NULL DEFAULT 0,
    received_at    timestamptz NOT NULL,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, id),
    UNIQUE (merchant_id, number),
    UNIQUE (merchant_id, logical_kind, logical_id, friend_id),
    FOREIGN KEY (merchant_id, channel_id) REFERENCES channel (merchant_id, id),
    FOREIGN KEY (merchant_id, friend_id) REFERENCES friend (merchant_id, id)
);
CREATE INDEX delivery_merchant_id_channel_id_due_at_idx ON delivery (merchant_id, channel_id, due_at)
    WHERE state IN ('planned', 'sending', 'deferred', 'quota_blocked', 'unknown');
CREATE INDEX delivery_merchant_id_friend_id_id_idx ON delivery (merchant_id, friend_id, id DESC);

-- ---------------------------------------------------------------- tracking

CREATE TABLE tracked_link (
    merchant_id uuid NOT NULL,
    channel_id  uuid NOT NULL,
    number      bigint NOT NULL,
    target      text NOT NULL, -- with UTM
    target_hash bytea NOT NULL,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, channel_id, number),
    UNIQUE (merchant_id, channel_id, target_hash),
    FOREIGN KEY (merchant_id, channel_id) REFERENCES channel (merchant_id, id)
);

-- Events of edges, raw and counted; one row per event id whatever arrives how often.
CREATE TABLE edge_event (
    merchant_id uuid NOT NULL,
    id          uuid NOT NULL,
    channel_id  uuid NOT NULL,
    type        text NOT NULL CHECK (type IN ('click', 'open', 'scan', 'refused_hook')),
    class       text NOT NULL CHECK (class IN ('person', 'head', 'prefetch', 'crawler')),
    subject     bigint NOT NULL, -- delivery number, code number or flow key number
    shared      boolean NOT NULL DEFAULT false, -- bit 63 of the subject
    link        bigint NOT NULL DEFAULT 0,
    counted     boolean NOT NULL DEFAULT false,
    first       boolean NOT NULL DEFAULT false,
    inferred    boolean NOT NULL DEFAULT false,
    delivery_id uuid,
    edge_id     uuid,
    occurred_at timestamptz NOT NULL,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, id)
) PARTITION BY RANGE (id);
CREATE TABLE edge_event_rest PARTITION OF edge_event DEFAULT;
CREATE INDEX edge_event_merchant_id_delivery_id_type_link_idx ON edge_event (merchant_id, delivery_id, type, link);

-- What happened per channel and day (merchant's time zone): the numbers of Home.
CREATE TABLE counter (
    merchant_id uuid NOT NULL,
    channel_id  uuid NOT NULL,
    day         date NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('sent', 'not_sent', 'failed', 'clicked', 'opened', 'linked', 'followed',
                                              'blocked', 'scanned', 'refused')),
    n           bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (merchant_id, channel_id, day, kind)
);

-- ---------------------------------------------------------------- outbox to Klaviyo

CREATE TABLE outbox (
    merchant_id        uuid NOT NULL,
    id                 uuid NOT NULL,
    klaviyo_account_id uuid NOT NULL,
    channel_id         uuid NOT NULL,
    friend_id          uuid,
    kind               text NOT NULL CHECK (kind IN ('event', 'profile')),
    metric             text, -- of an event
    unique_id          text NOT NULL, -- '<channel id>:<kind>:<ULID or number>'
    profile_id         text NOT NULL,
    payload_enc        bytea NOT NULL,
    occurred_at        timestamptz NOT NULL,
    state              text NOT NULL CHECK (state IN ('waiting', 'sent', 'kept')),
    tries              int NOT NULL DEFAULT 0,
    due_at             timestamptz NOT NULL,
    problem            text,
    created_at         timestamptz NOT NULL,
    sent_at            timestamptz,
    PRIMARY KEY (merchant_id, id),
    UNIQUE (merchant_id, klaviyo_account_id, unique_id),
    FOREIGN KEY (merchant_id, klaviyo_account_id) REFERENCES klaviyo_account (merchant_id, id)
);
CREATE INDEX outbox_merchant_id_klaviyo_account_id_due_at_idx ON outbox (merchant_id, klaviyo_account_id, due_at) WHERE state = 'waiting';

-- ---------------------------------------------------------------- rights and row-level security

GRANT USAGE ON SCHEMA public TO lumo_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO lumo_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO lumo_app;
REVOKE UPDATE, DELETE ON audit FROM lumo_app; -- the audit log only grows
REVOKE UPDATE, DELETE ON link_history FROM lumo_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO lumo_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO lumo_app;

-- +goose StatementBegin
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['merchant', 'member', 'audit', 'idempotency_key', 'klaviyo_account', 'oauth_try', 'channel',
        'channel_key', 'property_number', 'friend', 'friend_event', 'hook_request', 'line_event', 'qr_code', 'login_state',
        'identity_link', 'link_history', 'link_conflict', 'message', 'message_version', 'flow_key', 'flow_request',
        'flow_idempotency', 'delivery', 'tracked_link', 'edge_event', 'edge_event_rest', 'counter', 'outbox']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY tenant ON %I USING (merchant_id = lumo_merchant()) WITH CHECK (merchant_id = lumo_merchant())', t);
    END LOOP;
END $$;
-- +goose StatementEnd
