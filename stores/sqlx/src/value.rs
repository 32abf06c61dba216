/// An argument of a statement.
pub(crate) enum Value<'a> {
    Text(&'a str),
    Number(i64),
    Uuid {
        #[cfg_attr(
            not(feature = "postgres"),
            expect(dead_code, reason = "only PostgreSQL parses text as a UUID")
        )]
        text: &'a str,
        #[cfg_attr(
            not(any(feature = "mysql", feature = "sqlite")),
            expect(dead_code, reason = "PostgreSQL alone has a type for UUIDs")
        )]
        bytes: [u8; 16],
    },
    Bytes(&'a [u8]),
    Flag(bool),
}
