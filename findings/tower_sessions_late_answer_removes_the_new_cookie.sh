#!/usr/bin/env bash
set -euo pipefail
# Package: tower-sessions 0.15.0 and 0.14.0 (Rust)
# Behaviour: a service renews the id of a session when a user signs in (`cycle_id`). Another request of the same browser
#   is under way at that moment, for example one that loads a picture. It has the old id, and its handler only reads the
#   session. Its answer removes the cookie of the browser. If the browser has received the new cookie before, the user
#   is signed out. (A request without a cookie gets no such header.)
# Expected: the late answer sets and deletes no cookie.
# Seen: the late answer has a header Set-Cookie with an empty value and an age of zero.
# Needs: cargo.
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
cd "$directory"
for version in 0.15.0 0.14.0; do
    mkdir "v$version" && cd "v$version" && mkdir src
    cat >Cargo.toml <<TOML
[package]
name = "late"
version = "0.1.0"
edition = "2024"

[dependencies]
axum = { version = "=0.8.9", default-features = false }
tokio = { version = "1", features = ["macros", "rt"] }
tower = { version = "0.5", features = ["util"] }
tower-sessions = { version = "=$version", default-features = false, features = ["axum-core", "memory-store"] }
TOML
    cat >src/main.rs <<'RUST'
use axum::{Router, body::Body, http::Request, routing::get};
use tower::ServiceExt;
use tower_sessions::{MemoryStore, Session, SessionManagerLayer};

/// The header Set-Cookie of the answer to this request, or "none".
async fn cookie(app: &Router, path: &str, sent: Option<&str>) -> String {
    let mut request = Request::get(path);
    if let Some(sent) = sent {
        request = request.header("cookie", sent);
    }
    let answer = app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let header = answer.headers().get("set-cookie");
    header.map_or("none".into(), |value| value.to_str().unwrap().to_owned())
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let app = Router::new()
        .route("/first", get(async |session: Session| session.insert("stage", 1).await.unwrap()))
        .route("/sign-in", get(async |session: Session| {
            session.insert("stage", 2).await.unwrap();
            session.cycle_id().await.unwrap();
        }))
        .route("/read", get(async |session: Session| {
            let _: Option<u8> = session.get("stage").await.unwrap();
        }))
        .layer(SessionManagerLayer::new(MemoryStore::default()));
    let first = cookie(&app, "/first", None).await;
    let old = first.split(';').next().unwrap();
    let second = cookie(&app, "/sign-in", Some(old)).await;
    let new = second.split(';').next().unwrap();
    assert_ne!(old, new, "the id was renewed");
    println!("new session: {}", cookie(&app, "/read", Some(new)).await);
    println!("no cookie: {}", cookie(&app, "/read", None).await);
    let late = cookie(&app, "/read", Some(old)).await;
    println!("late: {}", if late.contains("Max-Age=0") && late.starts_with("id=;") { "removes the cookie" } else { &late });
}
RUST
    CARGO_TARGET_DIR="$directory/target" cargo run --quiet >out 2>err || { tail -n 20 err >&2; exit 1; }
    cd ..
done
expected='new session: none
no cookie: none
late: removes the cookie'
for version in 0.15.0 0.14.0; do
    if [ "$(cat "v$version/out")" != "$expected" ]; then
        echo "tower-sessions $version now behaves in another way:" >&2
        cat "v$version/out" >&2
        exit 1
    fi
done
echo "Still so: in tower-sessions 0.15.0 and 0.14.0, a late answer removes the cookie of the new session."
