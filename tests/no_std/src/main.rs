//! The module `otp` without the standard library, without an allocator and without the C library.
//!
//! The program exits with 0 if it generates and verifies the passcodes of RFC 4226 and RFC 6238, and
//! a passcode of Steam Guard.
//! Otherwise it exits with 1, or with 2 after a panic. If its code needed a heap, it would not
//! link.
#![no_std]
#![no_main]

mod memory;

use core::arch::{asm, global_asm};
use core::panic::PanicInfo;
use countersign::Timestamp;
use countersign::otp::{Algorithm, Code, Digits, Hotp, Period, SteamGuard, Totp, Window};

const KEY: &[u8] = b"12345678901234567890";

fn passcodes_are_right() -> Option<bool> {
    let hotp = Hotp::new(KEY, Algorithm::Sha1, Digits::SIX);
    let matched = hotp.verify(&Code::parse("287 082").ok()?, 0, 3)?;

    let totp = Totp::new(KEY, Algorithm::Sha1, Digits::EIGHT, Period::default());
    let now = Timestamp::from_unix(1_111_111_109);
    let code = Code::parse("0708 1804").ok()?;
    let step = totp.verify(&code, now, Window::default(), None)?.step();
    let again = totp.verify(&code, now, Window::default(), Some(step));

    let steam = SteamGuard::new(KEY);
    let at = Timestamp::from_unix(59);
    let code = Code::parse("pv9m4").ok()?;
    let steam_step = steam.verify(&code, at, Window::EXACT, None)?.step();

    Some(
        hotp.generate(0).expose() == "755224"
            && matched.counter() == 1
            && totp.generate(now).expose() == "07081804"
            && again.is_none()
            && steam.generate(at).expose() == "PV9M4"
            && steam_step == steam.step(at),
    )
}

#[unsafe(no_mangle)]
extern "C" fn run() -> ! {
    exit(if passcodes_are_right() == Some(true) {
        0
    } else {
        1
    })
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    exit(2)
}

#[cfg(target_arch = "x86_64")]
global_asm!(".global _start", "_start:", "and rsp, -16", "call run");

#[cfg(target_arch = "aarch64")]
global_asm!(".global _start", "_start:", "bl run");

/// The system call `exit_group`.
fn exit(status: i32) -> ! {
    // SAFETY: this system call reads no memory and does not return.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        asm!("syscall", in("rax") 231, in("rdi") status, options(noreturn))
    }
    // SAFETY: this system call reads no memory and does not return.
    #[cfg(target_arch = "aarch64")]
    unsafe {
        asm!("svc 0", in("x8") 94, in("x0") status, options(noreturn))
    }
}
