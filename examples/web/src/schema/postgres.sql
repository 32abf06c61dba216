-- Services that start at the same moment take turns: PostgreSQL runs this text as one transaction.
SELECT pg_advisory_xact_lock(20260401);
CREATE TABLE IF NOT EXISTS users (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email text NOT NULL UNIQUE,
    password_hash text NOT NULL,
    enrolled boolean NOT NULL DEFAULT false,
    created_at bigint NOT NULL
);
CREATE TABLE IF NOT EXISTS password_tries (
    name text NOT NULL PRIMARY KEY,
    tries bigint NOT NULL,
    begun_at bigint NOT NULL
);
CREATE TABLE IF NOT EXISTS links (
    token text NOT NULL PRIMARY KEY,
    browser text NOT NULL,
    email text NOT NULL,
    expires_at bigint NOT NULL
);
CREATE TABLE IF NOT EXISTS api_tokens (
    user_id bigint NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    token text NOT NULL UNIQUE
);
CREATE TABLE IF NOT EXISTS events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account text NOT NULL,
    at bigint NOT NULL,
    what text NOT NULL,
    client text NOT NULL
);
CREATE INDEX IF NOT EXISTS events_of_account ON events (account, id);
-- The store creates this table.
CREATE INDEX IF NOT EXISTS factor_events_of_account ON factor_events (account, number);
