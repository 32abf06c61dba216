//! Client requests to valgrind's memcheck. This is the only unsafe code.

/// The number of nested valgrinds that run this process; 0 without valgrind.
pub(crate) fn depth() -> usize {
    request(0x1001, 0, 0)
}

/// The number of errors so far, without suppressed errors.
pub(crate) fn errors() -> usize {
    request(0x1201, 0, 0)
}

/// Marks bytes as undefined. From now on, every branch and every address that depends on them is an
/// error.
pub(crate) fn poison(bytes: &mut [u8]) {
    request(
        MEMCHECK,
        bytes.as_mut_ptr().expose_provenance(),
        bytes.len(),
    );
}

/// Marks bytes as public.
pub(crate) fn declassify(bytes: &[u8]) {
    request(
        MEMCHECK + 1,
        bytes.as_ptr().expose_provenance(),
        bytes.len(),
    );
}

/// The request `MAKE_MEM_UNDEFINED`; the next number is `MAKE_MEM_DEFINED`.
const MEMCHECK: usize = (b'M' as usize) << 24 | (b'C' as usize) << 16 | 1;

#[cfg(target_arch = "x86_64")]
fn request(code: usize, first: usize, second: usize) -> usize {
    let request = [code, first, second, 0, 0, 0];
    let answer;
    // SAFETY: valgrind recognizes these five instructions (valgrind.h). Without valgrind they do
    // nothing: they rotate rdi by 128 bits in all, and exchange rbx with itself. Under valgrind,
    // they read the six words and set rdx. The requests above change no memory of this process.
    unsafe {
        core::arch::asm!(
            "rol rdi, 3",
            "rol rdi, 13",
            "rol rdi, 61",
            "rol rdi, 51",
            "xchg rbx, rbx",
            in("rax") request.as_ptr(),
            inout("rdx") 0_usize => answer,
            options(nostack),
        );
    }
    answer
}

/// Other processors need other instructions, so this reports that valgrind is absent, and `main`
/// fails.
#[cfg(not(target_arch = "x86_64"))]
fn request(_code: usize, _first: usize, _second: usize) -> usize {
    0
}
