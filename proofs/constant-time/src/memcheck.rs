//! Client requests of valgrind's memcheck: the only unsafe code.

/// Whether valgrind runs this process: 1, or more if it runs itself; 0 without it.
pub(crate) fn depth() -> usize {
    request(0x1001, 0, 0)
}

/// How many errors were counted, those that came before included and those suppressed not.
pub(crate) fn errors() -> usize {
    request(0x1201, 0, 0)
}

/// Marks bytes as undefined: every branch and every address that depends on them is an error from here on.
pub(crate) fn poison(bytes: &mut [u8]) {
    request(
        MEMCHECK,
        bytes.as_mut_ptr().expose_provenance(),
        bytes.len(),
    );
}

/// Marks bytes as known to everybody.
pub(crate) fn declassify(bytes: &[u8]) {
    request(
        MEMCHECK + 1,
        bytes.as_ptr().expose_provenance(),
        bytes.len(),
    );
}

/// The requests of memcheck that are used: `MAKE_MEM_UNDEFINED`, and `MAKE_MEM_DEFINED` after it.
const MEMCHECK: usize = (b'M' as usize) << 24 | (b'C' as usize) << 16 | 1;

#[cfg(target_arch = "x86_64")]
fn request(code: usize, first: usize, second: usize) -> usize {
    let words = [code, first, second, 0, 0, 0];
    let answer;
    // SAFETY: these five instructions are valgrind's mark (valgrind.h). Without it they do nothing: rdi is turned by
    // 128 bits in all, and rbx exchanged with itself. Under it the six words are read and rdx is set; the requests
    // above change no memory of this process.
    unsafe {
        core::arch::asm!(
            "rol rdi, 3",
            "rol rdi, 13",
            "rol rdi, 61",
            "rol rdi, 51",
            "xchg rbx, rbx",
            in("rax") words.as_ptr(),
            inout("rdx") 0_usize => answer,
            options(nostack),
        );
    }
    answer
}

/// No mark is written for other processors: there, valgrind is not noticed, and `main` says so.
#[cfg(not(target_arch = "x86_64"))]
fn request(_code: usize, _first: usize, _second: usize) -> usize {
    0
}
