//! A sealed record taken apart as `src/record/seal.rs` describes it, for what cipher and codec take alone on its bytes.

use std::hint::black_box;

use aes_gcm_siv::aead::{AeadInOut, KeyInit, Nonce, Tag};
use aes_gcm_siv::{Aes256GcmSiv, Key};
use countersign::AccountId;
use countersign_benches::{Contender, Error, Race};

use crate::content::Content;
use crate::service::key;

/// The parts of a record.
pub(crate) struct Parts {
    cipher: Aes256GcmSiv,
    associated_data: Vec<u8>,
    nonce: Nonce<Aes256GcmSiv>,
    ciphertext: Vec<u8>,
    tag: Tag<Aes256GcmSiv>,
    plain: Vec<u8>,
}

/// Cipher and codec alone.
#[derive(Clone, Copy)]
pub(crate) struct Alone {
    pub(crate) open: Contender,
    pub(crate) decode: Contender,
    pub(crate) encode: Contender,
    pub(crate) seal: Contender,
}

impl Parts {
    /// Opens a record of a service without a namespace, and makes sure that [`Content`] is all that is in it.
    pub(crate) fn of(record: &[u8], account: &AccountId) -> Result<Self, Error> {
        let cut = || Error::from("a record that is cut short");
        let (header, rest) = record.split_first_chunk::<14>().ok_or_else(cut)?;
        let (nonce, rest) = rest.split_first_chunk::<12>().ok_or_else(cut)?;
        let (ciphertext, tag) = rest.split_last_chunk::<16>().ok_or_else(cut)?;
        let account = account.as_str().as_bytes();
        let mut parts = Self {
            cipher: Aes256GcmSiv::new(<&Key<Aes256GcmSiv>>::from(key().expose())),
            associated_data: [
                b"countersign record".as_slice(),
                header,
                &[0; 8],
                &(account.len() as u64).to_be_bytes(),
                account,
            ]
            .concat(),
            nonce: (*nonce).into(),
            ciphertext: ciphertext.to_vec(),
            tag: (*tag).into(),
            plain: ciphertext.to_vec(),
        };
        parts.plain = parts.opened().ok_or("the record does not open")?;
        let mut again = Vec::new();
        Content::read(&parts.plain)?.write(&mut again)?;
        if again != parts.plain {
            return Err("the content of the record is another one".into());
        }
        Ok(parts)
    }

    fn opened(&self) -> Option<Vec<u8>> {
        let mut buffer = self.ciphertext.clone();
        let (nonce, data, tag) = (&self.nonce, &self.associated_data, &self.tag);
        let opened =
            self.cipher
                .decrypt_inout_detached(nonce, data, buffer.as_mut_slice().into(), tag);
        opened.ok().map(|()| buffer)
    }

    fn sealed(&self) -> Option<(Vec<u8>, Tag<Aes256GcmSiv>)> {
        let mut buffer = self.plain.clone();
        let (nonce, data) = (&self.nonce, &self.associated_data);
        let tag = self
            .cipher
            .encrypt_inout_detached(nonce, data, buffer.as_mut_slice().into());
        tag.ok().map(|tag| (buffer, tag))
    }

    /// Enters each of them.
    pub(crate) fn enter<'a>(&'a self, race: &mut Race<'a>) -> Result<Alone, Error> {
        let content = Content::read(&self.plain)?;
        Ok(Alone {
            open: race.enter(move || black_box(self).opened()),
            decode: race.enter(move || Content::read(black_box(&self.plain)).ok()),
            encode: race.enter(move || {
                let mut buffer = Vec::with_capacity(self.plain.len());
                black_box(&content).write(&mut buffer).ok().map(|()| buffer)
            }),
            seal: race.enter(move || black_box(self).sealed()),
        })
    }
}
