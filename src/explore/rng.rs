//! The generator behind every random decision: PCG-XSL-RR-128/64 (MCG), by Melissa O'Neill.
//!
//! Invariants: the stream of a seed never changes, because seeds and seeded tokens written down by
//! one version must replay in the next (golden vectors below); nothing here reads the environment,
//! an address or a clock. It is our own code and not `rand`'s for that reason alone; the dev-only
//! oracle test compares the two. Not for cryptography.

/// The multiplier of the 128-bit congruential step, from the PCG paper's table.
const MULTIPLIER: u128 = 0x2360_ED05_1FC6_5DA4_4385_DF64_9FCC_F645;

/// 2⁶⁴ divided by the golden ratio, made odd: splitmix64's increment.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// A frozen 64-bit pseudo-random generator with 128 bits of state.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rng {
    /// Always odd: an even state would lose its low bits for good.
    state: u128,
}

impl Rng {
    /// The generator of a seed. Nearby seeds give unrelated streams, because splitmix64 spreads them
    /// over the state first.
    #[inline]
    pub fn new(seed: u64) -> Rng {
        let high = mix(seed.wrapping_add(GOLDEN));
        let low = mix(seed.wrapping_add(GOLDEN.wrapping_mul(2)));
        Rng { state: (u128::from(high) << 64 | u128::from(low)) | 1 }
    }

    /// The next 64 bits.
    #[inline]
    #[expect(clippy::should_implement_trait, reason = "an endless stream is no iterator")]
    pub fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_mul(MULTIPLIER);
        let folded = (self.state >> 64) as u64 ^ self.state as u64;
        folded.rotate_right((self.state >> 122) as u32)
    }

    /// A number below `n`, or 0 where `n` is 0. Lemire's multiply-shift without the rejection step:
    /// the bias is below 2⁻³², far under what any count of executions could show, and each call
    /// takes exactly one step of the stream.
    #[inline]
    pub fn below(&mut self, n: u32) -> u32 {
        ((u128::from(self.next()) * u128::from(n)) >> 64) as u32
    }

    /// The generator for part `index`, such as one execution. It depends on the state of `self`,
    /// which does not move; different indexes give different seeds, since `mix` is a bijection.
    #[inline]
    pub fn split(&self, index: u64) -> Rng {
        let parent = (self.state >> 64) as u64 ^ (self.state as u64).rotate_left(32);
        Rng::new(mix(parent) ^ mix(index.wrapping_add(GOLDEN)))
    }
}

/// The finaliser of splitmix64 (Stafford's variant 13): a bijection in which every input bit moves
/// about half of the output bits.
#[inline]
fn mix(mut z: u64) -> u64 {
    z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ z >> 31
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_pcg::rand_core::RngCore;

    fn first(rng: &Rng, n: usize) -> Vec<u64> {
        let mut rng = rng.clone();
        (0..n).map(|_| rng.next()).collect()
    }

    #[test]
    fn the_streams_are_frozen() {
        assert_eq!(
            first(&Rng::new(0), 3),
            [0x98B3_8B34_F7B4_617D, 0x5A6A_DA5D_4326_CF9D, 0xC8E7_4BCD_A63C_6284]
        );
        assert_eq!(
            first(&Rng::new(1), 3),
            [0x0D4B_0D11_B484_E818, 0xAC0F_F785_A0CF_6E46, 0x9D01_9D93_5AC3_6577]
        );
        assert_eq!(
            first(&Rng::new(u64::MAX), 3),
            [0x1881_D70F_8190_1CAC, 0x4CF4_60F7_7832_A6A5, 0x9E9B_7C10_8D4A_7FA0]
        );
        assert_eq!(
            first(&Rng::new(7).split(0), 3),
            [0x774E_AD47_692D_E40A, 0x9EE6_A82D_9FD0_8F6E, 0xD94F_2F72_436E_C189]
        );
        assert_eq!(
            first(&Rng::new(7).split(41), 3),
            [0xAC0A_BE0F_9D87_5B91, 0x2D47_98EC_9C62_97C5, 0xC3AB_4685_B191_0E44]
        );
    }

    #[test]
    fn seeding_is_splitmix64() {
        // The first two outputs of the published splitmix64 for seed 0.
        let state = Rng::new(0).state;
        assert_eq!((state >> 64) as u64, 0xE220_A839_7B1D_CDAF);
        assert_eq!(state as u64, 0x6E78_9E6A_A1B9_65F4 | 1);
    }

    #[test]
    fn the_step_agrees_with_rand_pcg() {
        for seed in 0..200 {
            let mut ours = Rng::new(seed);
            let mut theirs = rand_pcg::Mcg128Xsl64::new(ours.state);
            for _ in 0..200 {
                assert_eq!(ours.next(), theirs.next_u64());
            }
        }
    }

    #[test]
    fn below_is_in_range_and_even() {
        let mut rng = Rng::new(3);
        assert_eq!(rng.below(0), 0);
        assert_eq!(rng.below(1), 0);
        let mut counts = [0u32; 7];
        for _ in 0..70_000 {
            counts[rng.below(7) as usize] += 1;
        }
        assert!(counts.iter().all(|&count| (9_600..10_400).contains(&count)), "{counts:?}");
        assert!((0..1000).all(|_| rng.below(u32::MAX) < u32::MAX));
    }

    #[test]
    fn splitting_leaves_the_parent_alone_and_gives_distinct_streams() {
        let parent = Rng::new(11);
        let children: std::collections::BTreeSet<u64> =
            (0..10_000).map(|index| parent.split(index).next()).collect();
        assert_eq!(children.len(), 10_000);
        assert_eq!(parent, Rng::new(11));
        assert_ne!(Rng::new(11).split(5), Rng::new(12).split(5));
    }
}
