//! A record as a line of text: what a version needs to read it, and what the version finds in it.

use crate::api::{
    AccountId, Denied, KeyId, Keyring, MemoryStore, Revision, Status, Timestamp, accepted,
    block_on, limit, moving, put,
};
use crate::world::{key, verifier_at};

/// A stored record, and how to try it.
pub(crate) struct Record {
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) key: u32,
    pub(crate) account: String,
    pub(crate) revision: i64,
    /// The time at which it is read.
    pub(crate) at: u64,
    pub(crate) bytes: Vec<u8>,
    /// The id of the pending enrollment, and a passcode for it.
    pub(crate) pending: Option<(String, String)>,
    /// The codes to try, each on the record as it was stored.
    pub(crate) codes: Vec<String>,
}

impl Record {
    pub(crate) fn parse(line: &str) -> Self {
        let fields: Vec<&str> = line.split('\t').collect();
        let pending = fields[7].split_once(' ');
        Self {
            name: fields[0].to_owned(),
            namespace: fields[1].trim_start_matches('-').to_owned(),
            key: fields[2].parse().unwrap(),
            account: fields[3].to_owned(),
            revision: fields[4].parse().unwrap(),
            at: fields[5].parse().unwrap(),
            bytes: bytes_of(fields[6]),
            pending: pending.map(|(id, code)| (id.to_owned(), code.to_owned())),
            codes: fields[8].split(',').map(str::to_owned).collect(),
        }
    }

    /// The version byte, which names the form.
    #[allow(dead_code, reason = "the earlier version does not ask")]
    pub(crate) fn version(&self) -> u8 {
        self.bytes[0]
    }

    /// What a line says that this version found.
    #[allow(dead_code, reason = "the earlier version does not ask")]
    pub(crate) fn results_of(line: &str) -> Vec<&str> {
        line.split('\t').skip(9).collect()
    }

    /// The line of this record, with what this version finds in it.
    pub(crate) fn opened(&self) -> String {
        let namespace = match self.namespace.as_str() {
            "" => "-",
            namespace => namespace,
        };
        let pending = match &self.pending {
            Some((id, code)) => format!("{id} {code}"),
            None => "-".to_owned(),
        };
        let mut fields = vec![
            self.name.clone(),
            namespace.to_owned(),
            self.key.to_string(),
            self.account.clone(),
            self.revision.to_string(),
            self.at.to_string(),
            hex(&self.bytes),
            pending,
            self.codes.join(","),
            self.status(),
        ];
        fields.extend(self.codes.iter().map(|code| self.verified(code)));
        fields.extend(self.enrolled());
        fields.join("\t")
    }

    fn account(&self) -> AccountId {
        AccountId::new(&self.account).unwrap()
    }

    /// A service whose store has this record.
    fn service(&self) -> crate::api::Verifier<MemoryStore> {
        let store = MemoryStore::new();
        let revision = Revision::from_i64(self.revision).unwrap();
        put(&store, &self.account(), revision, &self.bytes);
        let keyring = Keyring::new(KeyId::new(self.key), key(self.key));
        verifier_at(
            store,
            keyring,
            &self.namespace,
            Timestamp::from_unix(self.at),
        )
    }

    fn status(&self) -> String {
        match block_on(self.service().status(&self.account())) {
            Ok(status) => described(&status),
            Err(error) => format!("{error:?}"),
        }
    }

    fn verified(&self, code: &str) -> String {
        match block_on(self.service().verify(&self.account(), code)) {
            Ok(receipt) => accepted(&receipt),
            Err(denied) => reason(denied),
        }
    }

    /// The key URI of the pending enrollment, and the answer to its passcode.
    fn enrolled(&self) -> Vec<String> {
        let Some((id, code)) = &self.pending else {
            return Vec::new();
        };
        let (id, account) = (id.parse().unwrap(), self.account());
        let pending = match block_on(self.service().pending_enrollment(&account, id)) {
            Ok(enrollment) => enrollment.key_uri().to_secret_text().expose().to_owned(),
            Err(denied) => reason(denied),
        };
        let confirmed = match block_on(self.service().confirm_enrollment(&account, id, code)) {
            Ok(receipt) => accepted(&receipt),
            Err(denied) => reason(denied),
        };
        vec![pending, confirmed]
    }
}

fn reason(denied: Denied) -> String {
    match (denied.rejection(), denied) {
        (Some(rejection), _) => format!("{rejection:?}"),
        (None, Denied::Failed(error)) => format!("{error:?}"),
        (None, denied) => format!("{denied:?}"),
    }
}

fn described(status: &Status) -> String {
    let Status::Enabled(enabled) = status else {
        return format!("{status:?}");
    };
    let seconds = |time: Timestamp| time.as_unix().to_string();
    let optional = |time: Option<Timestamp>| time.map_or_else(|| "never".to_owned(), seconds);
    let mut parts = Vec::new();
    for one in &enabled.authenticators {
        parts.push(format!(
            "{} {:?} {:?} {} {} added {} used {}",
            one.id,
            one.name.as_str(),
            one.algorithm,
            one.digits,
            moving(one),
            seconds(one.added_at),
            optional(one.last_used_at),
        ));
    }
    if let Some(codes) = &enabled.backup_codes {
        let used: Vec<String> = codes.used_at.iter().map(|time| optional(*time)).collect();
        parts.push(format!(
            "codes issued {} left {} used {}",
            seconds(codes.issued_at),
            codes.remaining,
            used.join(" "),
        ));
    }
    parts.push(format!("{:?}", limit(enabled)));
    parts.join("; ")
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes_of(hex: &str) -> Vec<u8> {
    let pairs = (0..hex.len()).step_by(2);
    pairs
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}
