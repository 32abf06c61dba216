//! Issues backup codes, shows them once, and offers them as a file.

use std::path::Path;

use countersign::backup::BackupCodeFile;

use crate::sign_in::Session;
use crate::terminal::Stop;
use crate::{App, SERVICE, proof, save};

pub(crate) async fn issue(app: &mut App, session: &mut Session) -> Result<(), Stop> {
    let (account, verifier) = (session.user.account(), &app.verifier);
    let change =
        async |proof: countersign::Proof<'_>| verifier.issue_backup_codes(&account, proof).await;
    // The verifier stores the set before it returns the codes. If the process ends before it shows
    // the codes, the user makes a new set.
    let issued = proof::prove(&mut app.terminal, &app.users, session, change).await?;
    let Some(codes) = issued else {
        return Ok(());
    };
    let file = BackupCodeFile::english(SERVICE, &app.users.today().await?);
    let text = codes.to_text(&file);
    let terminal = &mut app.terminal;
    terminal.say(
        "\nThese are your new backup codes. Earlier codes no longer work. They are shown only once:\n",
    )?;
    // The file ends its lines with CR LF; a terminal needs LF.
    for line in text.expose().lines() {
        terminal.say(line)?;
    }
    terminal.say("")?;

    let suggested = file.file_name();
    let prompt = format_args!("File to save them in (empty: {suggested}; no: do not save them) ");
    let name = match terminal.ask_or_back(prompt)? {
        None => suggested,
        Some(name) if name.eq_ignore_ascii_case("no") => {
            return terminal.say("Not saved. Write them down now.");
        }
        Some(name) => name,
    };
    match save::save(terminal, Path::new(&name), text.expose().as_bytes())? {
        Some(path) => terminal.say(format_args!(
            "Saved in {}. Print the file, and keep it away from your phone.",
            path.display()
        )),
        None => terminal.say("Not saved. Write them down now."),
    }
}
