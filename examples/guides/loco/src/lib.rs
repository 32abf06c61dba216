//! A Loco application whose connection is on the pool of the store.
//!
//! `docs/sea-orm.md` shows [`App`]'s hook `after_context`, and `connect`.

use std::path::Path;

use countersign_sqlx::SqliteStore;
use loco_rs::app::{AppContext, Hooks};
use loco_rs::bgworker::Queue;
use loco_rs::boot::{BootResult, StartMode, create_context, run_app};
use loco_rs::config::Config;
use loco_rs::controller::AppRoutes;
use loco_rs::environment::Environment;
use loco_rs::prelude::async_trait;
use loco_rs::task::Tasks;
use loco_rs::{Error, Result};
use sea_orm::DatabaseConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};

async fn connect(url: &str) -> Result<(DatabaseConnection, SqliteStore), sqlx::Error> {
    let url: SqliteConnectOptions = url.parse()?;
    let options = SqliteStore::connect_options(url.get_filename());
    let pool = SqlitePoolOptions::new().connect_with(options).await?;
    let database = DatabaseConnection::from(pool.clone());
    Ok((database, SqliteStore::new(pool)))
}

/// The hooks of the application. It has no routes, workers, tasks or migrations.
#[derive(Debug)]
pub struct App;

#[async_trait]
impl Hooks for App {
    fn app_name() -> &'static str {
        env!("CARGO_CRATE_NAME")
    }

    async fn after_context(mut ctx: AppContext) -> Result<AppContext> {
        let (database, store) = connect(&ctx.config.database.uri).await.map_err(Error::wrap)?;
        ctx.db = database;
        ctx.shared_store.insert(store);
        Ok(ctx)
    }

    /// Does what `loco_rs::boot::create_app` does, without migrations.
    async fn boot(
        mode: StartMode,
        environment: &Environment,
        config: Config,
    ) -> Result<BootResult> {
        run_app::<Self>(&mode, create_context::<Self>(environment, config).await?).await
    }

    fn routes(_: &AppContext) -> AppRoutes {
        AppRoutes::empty()
    }

    async fn connect_workers(_: &AppContext, _: &Queue) -> Result<()> {
        Ok(())
    }

    fn register_tasks(_: &mut Tasks) {}

    async fn truncate(_: &AppContext) -> Result<()> {
        Ok(())
    }

    async fn seed(_: &AppContext, _: &Path) -> Result<()> {
        Ok(())
    }
}
