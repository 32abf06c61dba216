//! The time of cipher and codec alone, on the parts of an encrypted record. `src/record/seal.rs`
//! describes the parts.

use std::hint::black_box;

use aes_gcm_siv::aead::{AeadInOut, KeyInit, Nonce, Tag};
use aes_gcm_siv::{Aes256GcmSiv, Key};
use countersign::AccountId;
use countersign_benches::{Candidate, Error, Timer};

use crate::record_content::Content;
use crate::service::key;

/// The parts of an encrypted record.
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
pub(crate) struct CipherAndCodec {
    pub(crate) decrypt: Candidate,
    pub(crate) decode: Candidate,
    pub(crate) encode: Candidate,
    pub(crate) encrypt: Candidate,
}

impl Parts {
    /// Decrypts a record of a service without a namespace, and checks that [`Content`] has all its
    /// fields.
    pub(crate) fn of(record: &[u8], account: &AccountId) -> Result<Self, Error> {
        let truncated = || Error::from("the record is truncated");
        let (header, rest) = record.split_first_chunk::<14>().ok_or_else(truncated)?;
        let (nonce, rest) = rest.split_first_chunk::<12>().ok_or_else(truncated)?;
        let (ciphertext, tag) = rest.split_last_chunk::<16>().ok_or_else(truncated)?;
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
        parts.plain = parts.decrypted().ok_or("the record cannot be decrypted")?;
        let mut again = Vec::new();
        Content::read(&parts.plain)?.write(&mut again)?;
        if again != parts.plain {
            return Err("the record has other content than `Content`".into());
        }
        Ok(parts)
    }

    fn decrypted(&self) -> Option<Vec<u8>> {
        let mut buffer = self.ciphertext.clone();
        let (nonce, data, tag) = (&self.nonce, &self.associated_data, &self.tag);
        let result =
            self.cipher
                .decrypt_inout_detached(nonce, data, buffer.as_mut_slice().into(), tag);
        result.ok().map(|()| buffer)
    }

    fn encrypted(&self) -> Option<(Vec<u8>, Tag<Aes256GcmSiv>)> {
        let mut buffer = self.plain.clone();
        let (nonce, data) = (&self.nonce, &self.associated_data);
        let tag = self
            .cipher
            .encrypt_inout_detached(nonce, data, buffer.as_mut_slice().into());
        tag.ok().map(|tag| (buffer, tag))
    }

    /// Adds each of the four stages.
    pub(crate) fn add<'a>(&'a self, timer: &mut Timer<'a>) -> Result<CipherAndCodec, Error> {
        let content = Content::read(&self.plain)?;
        Ok(CipherAndCodec {
            decrypt: timer.add(move || black_box(self).decrypted()),
            decode: timer.add(move || Content::read(black_box(&self.plain)).ok()),
            encode: timer.add(move || {
                let mut buffer = Vec::with_capacity(self.plain.len());
                black_box(&content).write(&mut buffer).ok().map(|()| buffer)
            }),
            encrypt: timer.add(move || black_box(self).encrypted()),
        })
    }
}
