//! A picture of the last minutes: requests as a line, refusals as bars. Inline SVG without script.

use std::fmt::Write as _;

/// The picture's width and height in its own units.
const WIDTH: u64 = 600;
const HEIGHT: u64 = 100;

/// Draws these steps, the oldest first; `name` says whose they are.
pub(super) fn draw(name: &str, calls: &[u64], refusals: &[u64]) -> String {
    let most = calls.iter().chain(refusals).copied().max().unwrap_or(0);
    let (sum, refused): (u64, u64) = (calls.iter().sum(), refusals.iter().sum());
    let line = points(calls, most);
    let mut svg = format!(
        "<svg class=\"spark\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" preserveAspectRatio=\"none\" \
         role=\"img\" aria-label=\"{name}: {sum} requests and {refused} refusals in the last ten \
         minutes, at most {most} in ten seconds\">\
         <line class=\"base\" x1=\"0\" x2=\"{WIDTH}\" y1=\"{HEIGHT}\" y2=\"{HEIGHT}\"/>"
    );
    if !line.is_empty() {
        let end = x(calls.len().saturating_sub(1), calls.len());
        // Writing to a string can't fail.
        let _ = write!(
            svg,
            "<polygon class=\"area\" points=\"0,{HEIGHT} {line} {end},{HEIGHT}\"/>\
             <polyline class=\"calls\" points=\"{line}\"/>"
        );
    }
    for (place, count) in refusals.iter().enumerate().filter(|(_, count)| **count > 0) {
        let height = scale(*count, most);
        let _ = write!(
            svg,
            "<rect class=\"refusals\" x=\"{}\" y=\"{}\" width=\"6\" height=\"{height}\"/>",
            x(place, refusals.len()).saturating_sub(3),
            HEIGHT - height,
        );
    }
    svg.push_str("</svg>");
    svg
}

fn points(steps: &[u64], most: u64) -> String {
    let point = |(place, count): (usize, &u64)| {
        format!("{},{}", x(place, steps.len()), HEIGHT - scale(*count, most))
    };
    let points: Vec<String> = steps.iter().enumerate().map(point).collect();
    points.join(" ")
}

fn x(place: usize, count: usize) -> u64 {
    let steps = u64::try_from(count.saturating_sub(1)).unwrap_or(1).max(1);
    u64::try_from(place).unwrap_or(0) * WIDTH / steps
}

/// Leaves room for the line's own width at the top.
fn scale(count: u64, most: u64) -> u64 {
    count
        .saturating_mul(HEIGHT - 4)
        .checked_div(most)
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_says_in_words_what_it_shows_and_stays_in_its_frame() {
        let svg = draw("acme", &[0, 4, 8], &[0, 0, 2]);
        assert!(svg.contains("acme: 12 requests and 2 refusals"), "{svg}");
        assert!(svg.contains("points=\"0,100 300,52 600,4\""), "{svg}");
        assert!(svg.contains("x=\"597\" y=\"76\""), "{svg}");
        let empty = draw("acme", &[], &[]);
        assert!(empty.contains("0 requests") && !empty.contains("polyline"));
    }
}
