//! From what a page says to HTML.

use std::fmt::{self, Write};
use std::time::Duration;

use super::{Block, Cell, Page, Table, Tone, chart};
use crate::admin::About;
use crate::text::{is_visible, span};

/// The page's looks, for a light and a dark screen.
pub(crate) const STYLE: &str = include_str!("style.css");

/// Text as text: nothing in it is markup, and nothing moves or hides what is around it.
pub(crate) struct Escaped<'a>(&'a str);

pub(crate) fn escape(text: &str) -> Escaped<'_> {
    Escaped(text)
}

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                _ if is_visible(character) => f.write_char(character)?,
                _ => write!(f, "{}", character.escape_unicode())?,
            }
        }
        Ok(())
    }
}

/// The whole page. `not_ready` is why the process is not ready, if it is not.
pub(crate) fn render(about: &About, uptime: Duration, not_ready: &[String], page: &Page) -> String {
    let mut out = String::with_capacity(16 * 1024);
    let _ = write!(
        out,
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <meta http-equiv=\"refresh\" content=\"15\">\
         <title>{name} on {host}</title><link rel=\"stylesheet\" href=\"style.css\"></head><body>\
         <header><h1>{name}</h1><p>Keyward {version} on {host}, up {uptime}. \
         <a href=\"metrics\">metrics</a> <a href=\"readyz\">readiness</a> <a href=\"version\">version</a></p></header>",
        name = escape(about.role),
        host = escape(&about.host),
        version = escape(about.version),
        uptime = span(uptime.as_secs()),
    );
    match not_ready {
        [] => out.push_str("<p class=\"state good\">Ready</p>"),
        reasons => {
            out.push_str("<div class=\"state bad\">Not ready<ul>");
            for reason in reasons {
                let _ = write!(out, "<li>{}</li>", escape(reason));
            }
            out.push_str("</ul></div>");
        }
    }
    out.push_str("<main>");
    for section in &page.sections {
        let _ = write!(out, "<section><h2>{}</h2>", escape(&section.title));
        for block in &section.blocks {
            match block {
                Block::Facts(facts) => write_facts(&mut out, facts),
                Block::Table(table) => write_table(&mut out, table),
                Block::Charts(charts) => {
                    out.push_str("<div class=\"charts\">");
                    for (title, histogram) in charts {
                        chart::draw(&mut out, title, histogram);
                    }
                    out.push_str("</div>");
                }
            }
        }
        out.push_str("</section>");
    }
    out.push_str("</main></body></html>\n");
    out
}

fn write_facts(out: &mut String, facts: &[(String, Cell)]) {
    out.push_str("<dl>");
    for (name, fact) in facts {
        let _ = write!(
            out,
            "<div><dt>{}</dt><dd{}>{}</dd></div>",
            escape(name),
            class(fact),
            escape(&fact.text)
        );
    }
    out.push_str("</dl>");
}

fn write_table(out: &mut String, table: &Table) {
    if table.rows.is_empty() {
        let _ = write!(out, "<p class=\"empty\">{}</p>", escape(&table.empty));
        return;
    }
    out.push_str("<div class=\"wide\"><table><thead><tr>");
    let first = table.rows.first();
    for (i, column) in table.columns.iter().enumerate() {
        let numeric = first.is_some_and(|row| row[i].numeric);
        let class = if numeric { " class=\"number\"" } else { "" };
        let _ = write!(out, "<th{class}>{}</th>", escape(column));
    }
    out.push_str("</tr></thead><tbody>");
    for row in &table.rows {
        out.push_str("<tr>");
        for cell in row {
            let _ = write!(out, "<td{}>{}</td>", class(cell), escape(&cell.text));
        }
        out.push_str("</tr>");
    }
    out.push_str("</tbody></table></div>");
}

fn class(cell: &Cell) -> &'static str {
    match (cell.tone, cell.numeric) {
        (Tone::Plain, false) => "",
        (Tone::Plain, true) => " class=\"number\"",
        (Tone::Good, false) => " class=\"good\"",
        (Tone::Good, true) => " class=\"number good\"",
        (Tone::Warning, false) => " class=\"warning\"",
        (Tone::Warning, true) => " class=\"number warning\"",
        (Tone::Bad, false) => " class=\"bad\"",
        (Tone::Bad, true) => " class=\"number bad\"",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_said_is_markup() {
        let wicked = "<img src=x onerror=\"alert('1')\">&\u{202e}\u{1b}[2J\n";
        let mut page = Page::default();
        page.section(wicked);
        page.facts([(wicked, wicked)]);
        let mut table = Table::new(&[wicked], wicked);
        page.table(table.clone());
        table.row([Cell::from(wicked).tone(Tone::Bad)]);
        page.table(table);
        let mut histogram = crate::metrics::HistogramSnapshot::default();
        histogram.buckets[3] = 1;
        page.charts([(wicked, histogram)]);
        let about = About {
            role: "Key server",
            version: "1",
            host: wicked.to_owned(),
        };
        let html = render(&about, Duration::from_secs(5), &[wicked.to_owned()], &page);
        assert!(!html.contains("<img"), "{html}");
        assert!(
            !html.contains('\u{202e}') && !html.contains('\u{1b}'),
            "{html}"
        );
        // Title and host twice, section, fact twice, both tables, reason, chart's title twice.
        let escaped = "&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;\\u{202e}\\u{1b}[2J\\u{a}";
        assert_eq!(html.matches(escaped).count(), 11, "{html}");
        assert!(!html.contains("<script"), "{html}");
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(Cell::number(7).text, "7");
        assert_eq!(Cell::number(1234).text, "1\u{202f}234");
        assert_eq!(Cell::number(1_234_567).text, "1\u{202f}234\u{202f}567");
    }
}
