//! What the caller of a decision knows, for the event of the write.

use super::wrong_code::WrongCode;
use crate::{Actor, DeviceId};

/// What the caller of a decision knows, for the event of its write.
#[derive(Clone, Copy, Default)]
pub(super) struct Caller<'a> {
    /// Who acts without a proof.
    pub(super) actor: Option<&'a Actor>,
    /// The search for a wrong code.
    pub(super) wrong_code: Option<&'a WrongCode>,
    /// The device that the call names.
    pub(super) device: Option<DeviceId>,
}

impl<'a> Caller<'a> {
    /// The caller of an attempt.
    pub(super) fn of_attempt(wrong: &'a WrongCode) -> Self {
        Self {
            wrong_code: Some(wrong),
            ..Self::default()
        }
    }

    /// Who acts without a proof.
    pub(super) fn by(actor: &'a Actor) -> Self {
        Self {
            actor: Some(actor),
            ..Self::default()
        }
    }

    /// The caller that names a device.
    pub(super) fn on(device: DeviceId) -> Self {
        Self {
            device: Some(device),
            ..Self::default()
        }
    }
}
