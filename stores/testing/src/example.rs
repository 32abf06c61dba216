use std::io;
use std::process::{Command, Output};

/// Runs an example of the package whose test this is.
///
/// Cargo builds the examples of a package before it runs any of its tests. It puts them into the
/// directory `examples` next to the `deps` that the test runs in.
///
/// # Errors
/// If the example is not built.
pub fn run_example(name: &str, arguments: &[&str]) -> io::Result<Output> {
    let mut path = std::env::current_exe()?;
    path.pop();
    path.pop();
    path.push("examples");
    path.push(name);
    Command::new(path).args(arguments).output()
}

/// Runs the example `NAME_login` of a store on this database, and checks what it prints.
///
/// # Errors
/// What the example printed, if it failed or did not print a login.
pub fn run_login_example(name: &str, database: &str) -> Result<(), String> {
    let output = run_example(&format!("{name}_login"), &[database]);
    let output = output.map_err(|error| format!("{error}; build the example"))?;
    let printed = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    let mut rest = Some(&*printed);
    for step in STEPS {
        rest = rest.and_then(|rest| Some(rest.split_once(step)?.1));
    }
    if rest == Some("") && output.status.success() {
        Ok(())
    } else {
        Err(format!("{printed}{errors}"))
    }
}

const STEPS: [&str; 4] = [
    " is enrolled\n",
    " logs in\n",
    "the same passcode again: the passcode has been used",
    " is erased\n",
];
