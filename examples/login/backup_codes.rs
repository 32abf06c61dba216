//! Issues backup codes, shows them once, and offers them as a file.

use std::path::Path;

use countersign::backup::BackupCodeFile;

use crate::sign_in::Session;
use crate::terminal::{Stop, Terminal};
use crate::{App, SERVICE, proof, save};

pub(crate) fn issue(app: &mut App, session: &mut Session) -> Result<(), Stop> {
    let (account, verifier) = (session.user.account(), &app.verifier);
    let change = |proof: countersign::Proof<'_>| verifier.issue_backup_codes(&account, proof);
    // The verifier stores the set before it returns the codes. If the process ends before it shows
    // the codes, the user makes a new set.
    let issued = proof::prove(&mut app.terminal, &app.users, session, change)?;
    let Some(codes) = issued else {
        return Ok(());
    };
    let (set, is_pending) = (codes.set(), codes.is_pending());
    let file = BackupCodeFile::english(SERVICE, &app.users.today()?);
    let text = codes.to_text(&file);
    let terminal = &mut app.terminal;
    terminal.say("\nThese are your new backup codes. They are shown only once:\n")?;
    // The file ends its lines with CR LF; a terminal needs LF.
    for line in text.expose().lines() {
        terminal.say(line)?;
    }
    terminal.say("")?;

    let suggested = file.file_name();
    let prompt = format_args!("File to save them in (empty: {suggested}; no: do not save them) ");
    let name = match terminal.ask_or_back(prompt)? {
        None => suggested,
        Some(name) if name.eq_ignore_ascii_case("no") => return not_saved(terminal, is_pending),
        Some(name) => name,
    };
    match save::save(terminal, Path::new(&name), text.expose().as_bytes())? {
        Some(path) => {
            terminal.say(format_args!(
                "Saved in {}. Print the file, and keep it away from your phone.",
                path.display()
            ))?;
            app.verifier.confirm_saved(&account, set)?;
            match is_pending {
                true => app.terminal.say("Your earlier codes no longer work."),
                false => Ok(()),
            }
        }
        None => not_saved(terminal, is_pending),
    }
}

/// The earlier codes stay valid until a new one is used.
fn not_saved(terminal: &mut Terminal, is_pending: bool) -> Result<(), Stop> {
    terminal.say("Not saved. Write them down now.")?;
    match is_pending {
        true => terminal.say("Your earlier codes work until you use one of these."),
        false => Ok(()),
    }
}
