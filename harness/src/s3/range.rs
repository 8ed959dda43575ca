//! `Range`: one part of an object.

use super::error::S3Error;

/// A part of a body: the first byte, and the number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub first: u64,
    pub length: u64,
}

/// Returns the part that a header asks for. `None` for the whole object: without a header, and for
/// one that asks for several parts or has another unit, as in S3.
pub(super) fn part(header: Option<&str>, size: u64) -> Result<Option<Part>, S3Error> {
    let Some((first, last)) = header
        .and_then(|header| header.strip_prefix("bytes="))
        .filter(|range| !range.contains(','))
        .and_then(|range| range.split_once('-'))
    else {
        return Ok(None);
    };
    let number = |text: &str| text.parse::<u64>().ok();
    let (first, end) = match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => (first, last.saturating_add(1).min(size)),
        (Some(first), None) if last.is_empty() => (first, size),
        (None, Some(length)) if first.is_empty() && length > 0 => {
            (size.saturating_sub(length), size)
        }
        (None, Some(0)) if first.is_empty() => return Err(S3Error::InvalidRange { size }),
        _ => return Ok(None),
    };
    if first >= size {
        return Err(S3Error::InvalidRange { size });
    }
    Ok(Some(Part {
        first,
        length: end - first,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_s3_reads_them() {
        let some = |first, length| Some(Part { first, length });
        for (header, expected) in [
            ("bytes=0-9", some(0, 10)),
            ("bytes=90-", some(90, 10)),
            ("bytes=90-1000", some(90, 10)),
            ("bytes=-10", some(90, 10)),
            ("bytes=-1000", some(0, 100)),
            ("bytes=99-99", some(99, 1)),
            ("bytes=9-0", None),
            ("bytes=0-1,5-6", None),
            ("bytes=a-b", None),
            ("bytes=-", None),
            ("items=0-1", None),
        ] {
            assert_eq!(part(Some(header), 100).unwrap(), expected, "{header}");
        }
        assert_eq!(part(None, 100).unwrap(), None);
        for (header, size) in [("bytes=100-", 100), ("bytes=0-", 0), ("bytes=-0", 100)] {
            let outside = part(Some(header), size);
            assert!(
                matches!(outside, Err(S3Error::InvalidRange { .. })),
                "{header}"
            );
        }
    }
}
