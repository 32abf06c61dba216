use crate::support::SeededRng;
use crate::welch::Difference;

/// Measures this number of samples, with inputs from a random generator.
type Measure = dyn Fn(usize, &mut SeededRng) -> Difference;

/// Two classes of inputs, whose times are compared.
pub(crate) struct Case {
    pub(crate) name: String,
    measure: Box<Measure>,
}

impl Case {
    pub(crate) fn new(
        name: String,
        measure: impl Fn(usize, &mut SeededRng) -> Difference + 'static,
    ) -> Self {
        let measure = Box::new(measure);
        Self { name, measure }
    }

    /// Measures once, prints the result, and returns |t|.
    pub(crate) fn run(&self, samples: usize, seed: u64) -> f64 {
        let Difference { t, nanoseconds } = (self.measure)(samples, &mut SeededRng(seed));
        let name = &self.name;
        println!("{name:<58} {samples:>8} {t:>8.2} {nanoseconds:>+9.2} ns  {seed:#018x}");
        t
    }
}
