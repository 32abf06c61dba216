//! The devices of a record, in CBOR.

use super::parts::{self, MALFORMED, Unreadable, Written, at_most, length};
use crate::factor::{Device, DeviceSeed, Devices};
use crate::{DeviceId, DeviceKind, DeviceLabel, Timestamp};
use alloc::boxed::Box;
use alloc::vec::Vec;
use minicbor::encode::Write;
use minicbor::{Decoder, Encoder};

pub(super) fn write_devices<W: Write>(devices: &Devices, e: &mut Encoder<W>) -> Written<W> {
    let devices = devices.as_slice();
    e.array(at_most(length(devices.len()), length(Devices::MOST))?)?;
    for device in devices {
        let kind = match device.kind {
            DeviceKind::Known => 1,
            DeviceKind::Trusted => 2,
        };
        e.array(9)?
            .bytes(device.id.as_bytes())?
            .bytes(&*device.seed.0)?
            .str(device.label.as_str())?
            .u8(kind)?
            .u64(device.issued_at.as_unix())?
            .u32(device.number)?
            .u64(device.advanced_at.as_unix())?;
        parts::write_optional(device.last_used_at.map(Timestamp::as_unix), e)?;
        e.u8(device.failures)?;
    }
    Ok(())
}

pub(super) fn read_devices(d: &mut Decoder<'_>) -> Result<Devices, Unreadable> {
    let count = d
        .array()?
        .filter(|count| (1..=length(Devices::MOST)).contains(count))
        .ok_or(MALFORMED)?;
    let devices: Result<Vec<_>, _> = (0..count).map(|_| read_device(d)).collect();
    Ok(Devices::from(devices?))
}

fn read_device(d: &mut Decoder<'_>) -> Result<Device, Unreadable> {
    parts::array(d, 9)?;
    Ok(Device {
        id: DeviceId::from_bytes(parts::bytes(d)?),
        seed: DeviceSeed(Box::new(parts::bytes(d)?)),
        label: DeviceLabel::new(d.str()?).map_err(|_| MALFORMED)?,
        kind: match d.u8()? {
            1 => DeviceKind::Known,
            2 => DeviceKind::Trusted,
            _ => return Err(MALFORMED),
        },
        issued_at: parts::time(d)?,
        number: d.u32()?,
        advanced_at: parts::time(d)?,
        last_used_at: parts::optional(d, parts::time)?,
        failures: d.u8()?,
    })
}

/// A device with something in every field.
#[cfg(test)]
#[cfg(feature = "getrandom")]
pub(super) fn example() -> Device {
    let at = Timestamp::from_unix(1_800_000_000);
    Device {
        id: DeviceId::from_bytes([1; 8]),
        seed: DeviceSeed(Box::new([2; 16])),
        label: DeviceLabel::fit("Firefox on Linux"),
        kind: DeviceKind::Trusted,
        issued_at: at,
        number: 7,
        advanced_at: at,
        last_used_at: Some(at),
        failures: 9,
    }
}
