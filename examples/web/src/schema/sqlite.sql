-- AUTOINCREMENT, because countersign's account ids must never be used again.
CREATE TABLE IF NOT EXISTS users (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    email TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL,
    enrolled INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS password_tries (
    name TEXT NOT NULL PRIMARY KEY,
    tries INTEGER NOT NULL,
    begun_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS links (
    token TEXT NOT NULL PRIMARY KEY,
    browser TEXT NOT NULL,
    email TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS api_tokens (
    user_id INTEGER NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    token TEXT NOT NULL UNIQUE
) STRICT;
CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT NOT NULL,
    at INTEGER NOT NULL,
    what TEXT NOT NULL,
    client TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS events_of_account ON events (account, id);
-- The store creates this table.
CREATE INDEX IF NOT EXISTS factor_events_of_account ON factor_events (account, number);
