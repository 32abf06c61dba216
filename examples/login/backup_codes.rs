//! Backup codes: shown once, and offered as a file.

use std::path::Path;

use countersign::backup::BackupCodeFile;

use crate::sign_in::Session;
use crate::terminal::Stop;
use crate::{App, SERVICE, proof, save};

pub(crate) async fn issue(app: &mut App, session: &mut Session) -> Result<(), Stop> {
    let (account, verifier) = (session.user.account(), &app.verifier);
    let change =
        async |proof: countersign::Proof<'_>| verifier.issue_backup_codes(&account, proof).await;
    // The set is on record when it comes back. If the process ends before it is shown, it is never seen by anybody, and
    // the person makes a new one.
    let issued = proof::prove(&mut app.terminal, &app.users, session, change).await?;
    let Some(codes) = issued else {
        return Ok(());
    };
    let sheet = BackupCodeFile::english(SERVICE, &app.users.today().await?);
    let text = codes.to_text(&sheet);
    let terminal = &mut app.terminal;
    terminal.say(
        "\nThese are your new backup codes. Older ones are void. They are shown this once:\n",
    )?;
    // A terminal has line ends of its own; those of the file are for editors.
    for line in text.expose().lines() {
        terminal.say(line)?;
    }
    terminal.say("")?;

    let suggested = sheet.file_name();
    let prompt = format_args!("Save them to (empty: {suggested}; no: do not save them) ");
    let name = match terminal.ask_or_back(prompt)? {
        None => suggested,
        Some(name) if name.eq_ignore_ascii_case("no") => {
            return terminal.say("Not saved: write them down now.");
        }
        Some(name) => name,
    };
    match save::save(terminal, Path::new(&name), text.expose().as_bytes())? {
        Some(path) => terminal.say(format_args!(
            "Saved in {}. Print it, and keep it away from the phone.",
            path.display()
        )),
        None => terminal.say("Not saved: write them down now."),
    }
}
