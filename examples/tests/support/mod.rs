use std::process::Command;

/// The program of an example. Cargo builds the examples of a package before it runs its tests, and
/// puts them into the directory `examples` next to `deps`, where the tests run.
pub(crate) fn example(name: &str) -> Command {
    let mut path = std::env::current_exe().unwrap();
    path.pop();
    path.pop();
    path.push("examples");
    path.push(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(
        path.exists(),
        "{} is missing: run `cargo build --example {name}`",
        path.display()
    );
    Command::new(path)
}
