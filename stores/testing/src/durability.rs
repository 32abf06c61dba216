/// What a server does before it answers a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// It waits for the disk: the server's own settings.
    Durable,
    /// It hands the write to the operating system and does not wait for the disk. What was answered survives the death of
    /// the server, but not of the machine, and nothing restarts faster.
    Fast,
    /// It keeps the write to itself for a while, so what was answered is lost when the server is killed. For tests of
    /// crash tests: they must fail on this.
    Forgetful,
}
