//! The words about browsers that an account knows.

/// The words about known browsers, in one language. They are plain: the pages escape them.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct DeviceWords {
    /// "Do not ask for a code on this browser for 30 days", on the code page.
    pub trust: fn(u8) -> String,
    /// When to leave the box empty.
    pub trust_hint: &'static str,
    /// "Known browsers".
    pub title: &'static str,
    /// What a known browser is.
    pub explained: &'static str,
    /// That no browser is known.
    pub none: &'static str,
    /// "3 browsers".
    pub count: fn(usize) -> String,
    /// "See and forget browsers": the link in the overview.
    pub manage: &'static str,
    /// "This browser".
    pub here: &'static str,
    /// "Known since", before a date.
    pub since: &'static str,
    /// "no code until", before a date.
    pub no_code_until: &'static str,
    /// "Forget".
    pub forget: &'static str,
    /// "Forget Firefox (Linux)": what a screen reader says instead of `forget`, with the name of
    /// the browser.
    pub forget_of: fn(&str) -> String,
    /// "Forget all".
    pub forget_all: &'static str,
}

pub(super) const ENGLISH: DeviceWords = DeviceWords {
    trust: |days| match days {
        1 => "Do not ask for a code on this browser for 1 day".into(),
        _ => format!("Do not ask for a code on this browser for {days} days"),
    },
    trust_hint: "Leave this empty if others use this browser too.",
    title: "Known browsers",
    explained: "You have signed in with a code on these browsers. Wrong codes that others enter do not keep you out on \
        them. Forget a browser that is not yours, or that you no longer use.",
    none: "No browser is known.",
    count: |count| match count {
        0 => "none".into(),
        1 => "1 browser".into(),
        _ => format!("{count} browsers"),
    },
    manage: "See and forget browsers",
    here: "This browser",
    since: "Known since",
    no_code_until: "no code until",
    forget: "Forget",
    forget_of: |label| format!("Forget {label}"),
    forget_all: "Forget all",
};

pub(super) const GERMAN: DeviceWords = DeviceWords {
    trust: |days| match days {
        1 => "In diesem Browser 1 Tag lang keinen Code verlangen".into(),
        _ => format!("In diesem Browser {days} Tage lang keinen Code verlangen"),
    },
    trust_hint: "Lassen Sie das frei, wenn auch andere diesen Browser benutzen.",
    title: "Bekannte Browser",
    explained: "In diesen Browsern haben Sie sich mit einem Code angemeldet. Falsche Codes, die andere eingeben, sperren \
        Sie dort nicht aus. Vergessen Sie Browser, die Ihnen nicht gehören oder die Sie nicht mehr benutzen.",
    none: "Es ist kein Browser bekannt.",
    count: |count| match count {
        0 => "keiner".into(),
        1 => "1 Browser".into(),
        _ => format!("{count} Browser"),
    },
    manage: "Browser ansehen und vergessen",
    here: "Dieser Browser",
    since: "Bekannt seit dem",
    no_code_until: "kein Code bis zum",
    forget: "Vergessen",
    forget_of: |label| format!("{label} vergessen"),
    forget_all: "Alle vergessen",
};
