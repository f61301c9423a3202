//! Values as bytes, for the files of a search.
//!
//! Numbers take seven bits a byte, the lowest first; a list begins with its length. Invariants: what is
//! written is read back the same on any machine; reading what was not written here is an error that says
//! where, and never a panic.

use std::fmt;

/// Bytes that are no value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Malformed {
    /// How many bytes before the end.
    pub(crate) left: usize,
    pub(crate) expected: &'static str,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes before the end: expected {}", self.left, self.expected)
    }
}

/// The bytes that are left.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader(bytes)
    }

    /// Something else was expected here.
    pub(crate) fn fail(&self, expected: &'static str) -> Malformed {
        Malformed { left: self.0.len(), expected }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn byte(&mut self) -> Result<u8, Malformed> {
        let (&byte, rest) = self.0.split_first().ok_or(Malformed { left: 0, expected: "more bytes" })?;
        self.0 = rest;
        Ok(byte)
    }
}

/// A value that can be written and read back.
pub(crate) trait Coded: Sized {
    fn write(&self, to: &mut Vec<u8>);
    fn read(from: &mut Reader<'_>) -> Result<Self, Malformed>;
}

impl Coded for u64 {
    fn write(&self, to: &mut Vec<u8>) {
        let mut rest = *self;
        while rest >= 0x80 {
            to.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        to.push(rest as u8);
    }

    fn read(from: &mut Reader<'_>) -> Result<u64, Malformed> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = from.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(from.fail("a number of at most 64 bits"))
    }
}

/// What fits into a number that is coded already.
macro_rules! coded_as_u64 {
    ($($number:ty),*) => {$(
        impl Coded for $number {
            fn write(&self, to: &mut Vec<u8>) {
                (*self as u64).write(to);
            }

            fn read(from: &mut Reader<'_>) -> Result<$number, Malformed> {
                let value = u64::read(from)?;
                value.try_into().map_err(|_| from.fail("a smaller number"))
            }
        }
    )*};
}
coded_as_u64!(u8, u16, u32, usize);

impl Coded for bool {
    fn write(&self, to: &mut Vec<u8>) {
        u64::from(*self).write(to);
    }

    fn read(from: &mut Reader<'_>) -> Result<bool, Malformed> {
        match u64::read(from)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(from.fail("0 or 1")),
        }
    }
}

impl Coded for f64 {
    fn write(&self, to: &mut Vec<u8>) {
        self.to_bits().write(to);
    }

    fn read(from: &mut Reader<'_>) -> Result<f64, Malformed> {
        u64::read(from).map(f64::from_bits)
    }
}

impl Coded for String {
    fn write(&self, to: &mut Vec<u8>) {
        self.as_bytes().to_vec().write(to);
    }

    fn read(from: &mut Reader<'_>) -> Result<String, Malformed> {
        String::from_utf8(Vec::read(from)?).map_err(|_| from.fail("text"))
    }
}

impl<T: Coded> Coded for Vec<T> {
    fn write(&self, to: &mut Vec<u8>) {
        self.len().write(to);
        self.iter().for_each(|item| item.write(to));
    }

    fn read(from: &mut Reader<'_>) -> Result<Vec<T>, Malformed> {
        let length = usize::read(from)?;
        // Each takes a byte at least: a wrong length is no reason to run out of memory.
        if length > from.0.len() {
            return Err(from.fail("as many items as were announced"));
        }
        (0..length).map(|_| T::read(from)).collect()
    }
}

impl<T: Coded> Coded for Option<T> {
    fn write(&self, to: &mut Vec<u8>) {
        self.is_some().write(to);
        self.iter().for_each(|value| value.write(to));
    }

    fn read(from: &mut Reader<'_>) -> Result<Option<T>, Malformed> {
        bool::read(from)?.then(|| T::read(from)).transpose()
    }
}

impl<A: Coded, B: Coded> Coded for (A, B) {
    fn write(&self, to: &mut Vec<u8>) {
        self.0.write(to);
        self.1.write(to);
    }

    fn read(from: &mut Reader<'_>) -> Result<(A, B), Malformed> {
        Ok((A::read(from)?, B::read(from)?))
    }
}

/// A struct is its fields, in this order.
macro_rules! coded {
    ($name:ty { $($field:ident),* $(,)? }) => {
        impl $crate::explore::codec::Coded for $name {
            fn write(&self, to: &mut Vec<u8>) {
                $($crate::explore::codec::Coded::write(&self.$field, to);)*
            }

            fn read(
                from: &mut $crate::explore::codec::Reader<'_>,
            ) -> Result<Self, $crate::explore::codec::Malformed> {
                $(let $field = $crate::explore::codec::Coded::read(from)?;)*
                Ok(Self { $($field),* })
            }
        }
    };
}
pub(crate) use coded;

#[cfg(test)]
mod tests {
    use super::*;

    fn back<T: Coded + PartialEq + fmt::Debug>(value: &T) {
        let mut bytes = Vec::new();
        value.write(&mut bytes);
        let mut reader = Reader::new(&bytes);
        assert_eq!(T::read(&mut reader).as_ref(), Ok(value));
        assert!(reader.is_empty());
        for end in 0..bytes.len() {
            assert!(T::read(&mut Reader::new(&bytes[..end])).is_err(), "{end} of {bytes:?}");
        }
    }

    #[test]
    fn what_is_written_is_read_back_and_nothing_less() {
        [0, 1, 127, 128, 300, u64::MAX - 1, u64::MAX].iter().for_each(back);
        back(&vec![(1_u32, true), (u32::MAX, false)]);
        back(&Some("äöü".to_owned()));
        back(&(0.25_f64, 70_000_usize));
    }

    #[test]
    fn nonsense_is_an_error() {
        assert!(u64::read(&mut Reader::new(&[0xff; 11])).is_err());
        assert!(bool::read(&mut Reader::new(&[2])).is_err());
        assert!(u8::read(&mut Reader::new(&[0x80, 0x02])).is_err());
        assert!(String::read(&mut Reader::new(&[1, 0xff])).is_err());
        assert!(Vec::<u64>::read(&mut Reader::new(&[0x80, 0x80, 0x80, 0x80, 0x10])).is_err());
    }
}
