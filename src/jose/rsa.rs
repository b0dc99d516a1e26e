//! The modulus and exponent of an RSA public key (RFC 8017 §A.1.1, RFC 7518 §6.3.1).

/// Big-endian, without leading zeros.
pub(super) struct Components<'a> {
    pub(super) modulus: &'a [u8],
    pub(super) exponent: &'a [u8],
}

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;

impl<'a> Components<'a> {
    /// Reads a DER `RSAPublicKey`.
    pub(super) fn read(der: &'a [u8]) -> Option<Self> {
        let (sequence, _) = element(SEQUENCE, der)?;
        let (modulus, rest) = element(INTEGER, sequence)?;
        let (exponent, _) = element(INTEGER, rest)?;
        Some(Self {
            modulus: without_sign(modulus),
            exponent: without_sign(exponent),
        })
    }
}

/// The content of the first element, which must have this tag, and what follows it.
fn element(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (found, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    // X.690 §8.1.3: up to 127 the length itself, else the number of bytes that hold it.
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let length = bytes
                .iter()
                .fold(0, |sum, byte| (sum << 8) | usize::from(*byte));
            (length, rest)
        }
        _ => return None,
    };
    (*found == tag).then(|| rest.split_at_checked(length))?
}

/// DER puts a zero before a positive number whose first bit is set.
fn without_sign(integer: &[u8]) -> &[u8] {
    integer.strip_prefix(&[0]).unwrap_or(integer)
}
