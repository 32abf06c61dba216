//! Pages and problems as JSON, for single-page applications. `openapi.json` describes them.

use countersign::Timestamp;
use serde_json::{Map, Value, json};

use crate::page::{
    BackupCodesPage, Change, CodePage, CodesPage, Content, DevicesPage, EarlierCodes, Field, Frame,
    Message, OverviewPage, Page, ProvePage, SetupPage, SetupPurpose, Viewer, Wait,
};
use crate::problem::Problem;
use crate::words::{Words, datetime};

/// The content type of a problem.
pub(crate) const PROBLEM_TYPE: &str = "application/problem+json";

/// The content type of all other JSON.
pub(crate) const JSON_TYPE: &str = "application/json";

/// Returns a page as JSON. A message becomes a problem, of [`PROBLEM_TYPE`].
pub(crate) fn page_json(page: &Page, words: &Words) -> Value {
    let (name, content) = match &page.content {
        Content::Code(page) => ("code", code(page)),
        Content::Codes(page) => ("codes", codes(page)),
        Content::Overview(page) => ("overview", overview(page)),
        Content::Devices(page) => ("devices", devices(page)),
        Content::Setup(page) => ("setup", setup(page)),
        Content::Prove(page) => ("prove", prove(page, words)),
        Content::BackupCodes(page) => ("backup-codes", backup_codes(page)),
        Content::Message(message) => {
            return problem_json(&message.message.into(), &page.frame, words);
        }
    };
    let frame = &page.frame;
    let problem = frame
        .problem
        .as_ref()
        .map(|problem| json!({ "text": problem.text, "field": problem.field.map(field) }));
    json!({
        "page": name,
        "language": frame.language.tag(),
        "service": frame.service,
        "viewer": viewer(frame.viewer),
        "account_name": frame.account_name,
        "csrf": frame.csrf,
        "notice": frame.notice,
        "problem": problem,
        "typed": frame.typed,
        "content": content,
    })
}

/// Returns a problem as JSON (RFC 9457). If the user must go elsewhere first, it names the page.
pub(crate) fn problem_json(problem: &Problem, frame: &Frame, words: &Words) -> Value {
    let code = problem.code();
    let mut members = Map::new();
    let mut add = |name: &str, value: Value| members.insert(name.to_owned(), value);
    add(
        "type",
        format!("{}/openapi.json#{code}", frame.prefix).into(),
    );
    add("title", title(code).into());
    add("status", problem.status().into());
    add("detail", words.problem(*problem).into());
    add("code", code.into());
    if let Some(at) = problem.field() {
        add("field", field(at).into());
    }
    if let Some(span) = problem.retry_after() {
        add("retry_after", span.as_secs().into());
    }
    if let Some(next) = next_page(problem, frame) {
        add("next", next.into());
    }
    if !frame.csrf.is_empty() {
        add("csrf", frame.csrf.as_str().into());
    }
    Value::Object(members)
}

/// Returns the answer to a form that was carried out.
pub(crate) fn next_json(next: &str) -> Value {
    json!({ "next": next })
}

/// Returns the `OpenAPI` document for this prefix.
pub(crate) fn openapi(prefix: &str) -> String {
    let server = |prefix: &str| format!("\"url\": {}", Value::from(prefix));
    OPENAPI.replacen(&server("/two-factor"), &server(prefix), 1)
}

const OPENAPI: &str = include_str!("../openapi.json");

/// `wrong-password` becomes `Wrong password`.
fn title(code: &str) -> String {
    let mut letters = code.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first
        .into_iter()
        .chain(letters)
        .map(|c| if c == '-' { ' ' } else { c })
        .collect()
}

fn next_page(problem: &Problem, frame: &Frame) -> Option<String> {
    match problem {
        Problem::Message(Message::SignIn)
        | Problem::SessionEnded
        | Problem::CodeTooLate
        | Problem::ChangedMeanwhile => Some(frame.sign_in.clone()),
        Problem::Message(Message::EnterCode) => Some(format!("{}/code", frame.prefix)),
        Problem::Message(Message::StepUp) => Some(format!("{}/prove", frame.prefix)),
        Problem::MustEnroll => Some(format!("{}/setup", frame.prefix)),
        _ => None,
    }
}

const fn viewer(viewer: Viewer) -> &'static str {
    match viewer {
        Viewer::Anonymous => "anonymous",
        Viewer::Half => "half",
        Viewer::Full => "full",
    }
}

const fn field(field: Field) -> &'static str {
    match field {
        Field::Code => "code",
        Field::Password => "password",
        Field::Name => "name",
    }
}

fn time(at: Timestamp) -> Value {
    datetime(at).into()
}

fn times(times: &[Option<Timestamp>]) -> Vec<Value> {
    times
        .iter()
        .map(|at| at.map_or(Value::Null, time))
        .collect()
}

fn wait(wait: Option<Wait>) -> Value {
    match wait {
        None => Value::Null,
        Some(Wait::Until { at, seconds }) => {
            json!({ "kind": "until", "at": time(at), "seconds": seconds })
        }
        Some(Wait::Locked) => json!({ "kind": "locked" }),
        Some(Wait::ClockFault) => json!({ "kind": "clock-fault" }),
    }
}

fn code(page: &CodePage) -> Value {
    json!({
        "request": page.request,
        "wait": wait(page.wait),
        "in_a_row": page.in_a_row,
        "backup_code": page.backup_code,
        "letters": page.letters,
        "trust_days": page.trust_days,
    })
}

fn codes(page: &CodesPage) -> Value {
    json!({ "request": page.request, "count": page.count })
}

fn overview(page: &OverviewPage) -> Value {
    let authenticators = page.authenticators.iter().map(|one| {
        json!({
            "id": one.id.to_string(),
            "name": one.name,
            "added_at": time(one.added_at),
            "last_used_at": one.last_used_at.map(time),
        })
    });
    let backup_codes = page.backup_codes.as_ref().map(|codes| {
        json!({
            "issued_at": time(codes.issued_at),
            "remaining": codes.remaining,
            "used_at": times(&codes.used_at),
            "pending": codes.pending.as_ref().map(|pending| {
                json!({ "set": pending.set.to_string(), "issued_at": time(pending.issued_at) })
            }),
        })
    });
    json!({
        "enabled": page.enabled,
        "may_disable": page.may_disable,
        "enroll_by": page.enroll_by.map(time),
        "authenticators": authenticators.collect::<Vec<_>>(),
        "backup_codes": backup_codes,
        "devices": page.devices,
    })
}

fn devices(page: &DevicesPage) -> Value {
    let devices = page.devices.iter().map(|one| {
        json!({
            "id": one.id.to_string(),
            "label": one.label,
            "remembered_at": time(one.remembered_at),
            "last_used_at": one.last_used_at.map(time),
            "trusted_until": one.trusted_until.map(time),
            "here": one.here,
        })
    });
    json!({ "devices": devices.collect::<Vec<_>>() })
}

/// With the backup codes, this is the only JSON that has secrets.
fn setup(page: &SetupPage) -> Value {
    let purpose = match &page.purpose {
        SetupPurpose::First => json!({ "kind": "first" }),
        SetupPurpose::Another { name } => json!({ "kind": "another", "name": name }),
        SetupPurpose::Replacement { name } => json!({ "kind": "replacement", "name": name }),
    };
    json!({
        "tag": page.tag,
        "qr": page.qr.expose(),
        "key": page.key.expose(),
        "link": page.link.expose(),
        "account_name": page.account_name,
        "issuer": page.issuer,
        "digits": page.digits,
        "period": page.period,
        "algorithm": page.algorithm,
        "expires_at": time(page.expires_at),
        "expires_in": page.expires_in,
        "purpose": purpose,
    })
}

fn prove(page: &ProvePage, words: &Words) -> Value {
    let change = match &page.change {
        Change::Enable => json!({ "kind": "enable" }),
        Change::Add => json!({ "kind": "add" }),
        Change::Replace { name } => json!({ "kind": "replace", "name": name }),
        Change::Remove { name, last } => json!({ "kind": "remove", "name": name, "last": last }),
        Change::Disable => json!({ "kind": "disable" }),
        Change::IssueBackupCodes { replaces } => {
            json!({ "kind": "issue-backup-codes", "replaces": replaces })
        }
        Change::Reach => json!({ "kind": "reach" }),
    };
    let said = (words.change)(&page.change);
    json!({
        "change": change,
        "title": said.title,
        "text": said.text,
        "action": page.action,
        "back": page.back,
        "password": page.password,
        "code": page.code,
        "name": page.name,
        "to": page.to,
        "once": page.once,
        "wait": wait(page.wait),
        "letters": page.letters,
    })
}

fn backup_codes(page: &BackupCodesPage) -> Value {
    json!({
        "codes": page.codes.iter().collect::<Vec<_>>(),
        "set": page.set.to_string(),
        "earlier": match page.earlier {
            EarlierCodes::None => "none",
            EarlierCodes::Valid => "valid",
            EarlierCodes::Ended => "ended",
        },
        "date": page.date,
        "file": page.file.expose(),
        "file_name": page.file_name,
    })
}

#[cfg(test)]
mod tests;
