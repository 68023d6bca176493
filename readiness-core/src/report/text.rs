/// How the terminal table is printed.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct TextOptions {
    /// The width of the terminal, in columns.
    pub width: usize,
    /// Whether to use colour.
    pub colour: bool,
}
