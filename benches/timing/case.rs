use crate::support::SeededRng;
use crate::welch::Difference;

/// Takes so many samples, of inputs that come from a generator.
type Measure = dyn Fn(usize, &mut SeededRng) -> Difference;

/// Two classes of inputs, and how far the times that they take are apart.
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

    /// Measures once, prints it, and gives |t|.
    pub(crate) fn run(&self, samples: usize, seed: u64) -> f64 {
        let Difference { t, nanoseconds } = (self.measure)(samples, &mut SeededRng(seed));
        let name = &self.name;
        println!("{name:<58} {samples:>8} {t:>8.2} {nanoseconds:>+9.2} ns  {seed:#018x}");
        t
    }
}
