//! The memory functions that `core` needs, without the C library. They access single bytes, and the
//! accesses are volatile. Otherwise the compiler could replace a loop with a call of the
//! function that contains the loop.

use core::ffi::{c_int, c_void};

/// # Safety
/// As in C.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcpy(to: *mut c_void, from: *const c_void, bytes: usize) -> *mut c_void {
    for at in 0..bytes {
        // SAFETY: the caller provides memory for all bytes.
        unsafe { copy_byte(to, from, at) };
    }
    to
}

/// # Safety
/// As in C.
#[unsafe(no_mangle)]
unsafe extern "C" fn memmove(to: *mut c_void, from: *const c_void, bytes: usize) -> *mut c_void {
    if to.addr() <= from.addr() {
        // SAFETY: as the caller promises. In ascending order, each byte is read before it is
        // overwritten.
        return unsafe { memcpy(to, from, bytes) };
    }
    for at in (0..bytes).rev() {
        // SAFETY: the caller provides memory for all bytes.
        unsafe { copy_byte(to, from, at) };
    }
    to
}

/// # Safety
/// As in C.
#[unsafe(no_mangle)]
unsafe extern "C" fn memset(to: *mut c_void, value: c_int, bytes: usize) -> *mut c_void {
    for at in 0..bytes {
        // SAFETY: the caller provides memory for all bytes.
        unsafe { to.cast::<u8>().add(at).write_volatile(value as u8) };
    }
    to
}

/// # Safety
/// As in C.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(one: *const c_void, two: *const c_void, bytes: usize) -> c_int {
    for at in 0..bytes {
        // SAFETY: the caller provides all bytes of both.
        let (one, two) = unsafe {
            let byte = |of: *const c_void| of.cast::<u8>().add(at).read_volatile();
            (byte(one), byte(two))
        };
        if one != two {
            return c_int::from(one) - c_int::from(two);
        }
    }
    0
}

/// # Safety
/// As in C.
#[unsafe(no_mangle)]
unsafe extern "C" fn bcmp(one: *const c_void, two: *const c_void, bytes: usize) -> c_int {
    // SAFETY: as the caller promises.
    unsafe { memcmp(one, two, bytes) }
}

/// # Safety
/// `from` can be read and `to` written at `at`.
unsafe fn copy_byte(to: *mut c_void, from: *const c_void, at: usize) {
    // SAFETY: as the caller promises.
    unsafe {
        let byte = from.cast::<u8>().add(at).read_volatile();
        to.cast::<u8>().add(at).write_volatile(byte);
    }
}
