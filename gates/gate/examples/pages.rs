//! Writes every page in every language into a directory, with the style sheet and the script, so that
//! a browser can show them:
//!
//! ```text
//! cargo run -p countersign-gate --features samples --example pages -- DIRECTORY
//! ```

use countersign_gate::samples;
use countersign_gate::words::Language;
use countersign_gate::{BoxError, DefaultPages, Pages};

use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() -> Result<(), BoxError> {
    let directory = env::args_os().nth(1).map(PathBuf::from);
    let directory = directory.ok_or("name the directory for the pages")?;
    fs::create_dir_all(directory.join("two-factor/assets"))?;
    for (name, bytes) in samples::assets() {
        fs::write(directory.join("two-factor/assets").join(name), bytes)?;
    }
    for language in [Language::English, Language::German] {
        write_pages(&directory, language)?;
    }
    Ok(())
}

fn write_pages(directory: &Path, language: Language) -> Result<(), BoxError> {
    let pages = DefaultPages::new();
    let framed = DefaultPages::framed(|frame, title, main| {
        format!(
            "<!doctype html><html lang=\"{}\"><head><meta charset=\"utf-8\"><title>{title}</title>\
             <meta name=\"viewport\" content=\"width=device-width\">\
             <link rel=\"stylesheet\" href=\"{}\"><script src=\"{}\" defer></script></head>\
             <body><main>{main}</main></body></html>",
            frame.language.tag(),
            frame.style(),
            frame.script(),
        )
    });
    for (name, page) in samples::pages(language)? {
        let tag = language.tag();
        fs::write(
            directory.join(format!("{tag}-{name}.html")),
            pages.html(&page)?,
        )?;
        if name == "code-wrong" {
            let path = directory.join(format!("{tag}-framed.html"));
            fs::write(path, framed.html(&page)?)?;
        }
    }
    Ok(())
}
