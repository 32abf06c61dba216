//! Welch's t-test on cropped measurements, the method of dudect (Reparaz, Balasch and Verbauwhede,
//! "Dude, is my code constant time?", 2017).

/// The difference between two classes of measurements.
#[derive(Clone, Copy)]
pub(crate) struct Difference {
    /// The absolute difference, in units of its standard error.
    pub(crate) t: f64,
    /// How much slower the left class is.
    pub(crate) nanoseconds: f64,
}

/// The largest difference of all crops. Interrupts and other processes make some measurements long.
/// So the test runs on all measurements, and on the measurements below each of 100 percentiles.
pub(crate) fn largest(mut left: Vec<u64>, mut right: Vec<u64>) -> Difference {
    left.sort_unstable();
    right.sort_unstable();
    let mut pooled = [left.as_slice(), &right].concat();
    pooled.sort_unstable();
    let none = Difference {
        t: 0.0,
        nanoseconds: 0.0,
    };
    (1..=100)
        .map(|step| 1.0 - 0.5_f64.powf(f64::from(step) / 10.0))
        .filter_map(|share| pooled.get((share * pooled.len() as f64) as usize).copied())
        .chain([u64::MAX])
        .map(|limit| difference(below(&left, limit), below(&right, limit)))
        .fold(
            none,
            |largest, crop| if crop.t > largest.t { crop } else { largest },
        )
}

fn below(sorted: &[u64], limit: u64) -> &[u64] {
    let end = sorted.partition_point(|time| *time < limit);
    sorted.get(..end).unwrap_or_default()
}

fn difference(left: &[u64], right: &[u64]) -> Difference {
    /// With fewer measurements the test is meaningless.
    const ENOUGH: usize = 1_000;
    let enough = left.len().min(right.len()) >= ENOUGH;
    let (left, right) = (Moments::of(left), Moments::of(right));
    let nanoseconds = left.mean - right.mean;
    let error = (left.square_error + right.square_error).sqrt();
    let t = if enough && error > 0.0 {
        nanoseconds.abs() / error
    } else {
        0.0
    };
    Difference { t, nanoseconds }
}

struct Moments {
    mean: f64,
    /// The variance of the mean.
    square_error: f64,
}

impl Moments {
    fn of(times: &[u64]) -> Self {
        let count = times.len() as f64;
        let mean = times.iter().map(|time| *time as f64).sum::<f64>() / count;
        let squares: f64 = times.iter().map(|time| (*time as f64 - mean).powi(2)).sum();
        Self {
            mean,
            square_error: squares / (count - 1.0) / count,
        }
    }
}
