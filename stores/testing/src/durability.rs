/// What a server does before it answers a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// The server waits for the disk. The server keeps its own settings.
    Durable,
    /// The server gives the write to the operating system and does not wait for the disk. An
    /// answered write survives a killed server, but not a crash of the computer. Starting is not
    /// faster.
    Fast,
    /// The server keeps the write in memory for a while, so a killed server loses answered writes.
    /// This setting is for tests of the crash tests, which must fail on such a server.
    Forgetful,
}
