//! Metrics as text, in the two formats that Prometheus reads.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeGaugeValue, EncodeLabelSet, MetricEncoder, NoLabelSet,
    prometheus_text, text,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use super::{BOUNDS, HistogramSnapshot};

/// How metrics are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// OpenMetrics 1.0, which Prometheus asks for.
    OpenMetrics,
    /// The older text format of Prometheus, 0.0.4.
    Prometheus,
}

impl Format {
    /// The one that a request's `Accept` wants.
    pub fn accepted(accept: &str) -> Self {
        match accept.contains("application/openmetrics-text") {
            true => Self::OpenMetrics,
            false => Self::Prometheus,
        }
    }

    /// The response's `Content-Type`.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Prometheus => prometheus_text::CONTENT_TYPE,
        }
    }

    /// What `write` writes, in this format.
    ///
    /// # Errors
    /// Those of `write`.
    pub fn text<W>(self, write: W) -> Result<String, fmt::Error>
    where
        W: Fn(&mut Exposition<'_>) -> fmt::Result + Send + Sync + 'static,
    {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Written(write)));
        let mut out = String::new();
        match self {
            Self::OpenMetrics => text::encode(&mut out, &registry)?,
            Self::Prometheus => prometheus_text::encode(&mut out, &registry)?,
        }
        Ok(out)
    }
}

struct Written<W>(W);

impl<W> fmt::Debug for Written<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Written")
    }
}

impl<W> Collector for Written<W>
where
    W: Fn(&mut Exposition<'_>) -> fmt::Result + Send + Sync + 'static,
{
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        (self.0)(&mut Exposition(encoder))
    }
}

/// Where metrics are written to, one family after the other. Names are without `_total`, which counters get by themselves.
#[derive(Debug)]
pub struct Exposition<'a>(DescriptorEncoder<'a>);

impl Exposition<'_> {
    /// A counter of one value.
    ///
    /// # Errors
    /// The text cannot be written; so of all below.
    pub fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        let mut family = self.family(name, help, MetricType::Counter)?;
        family.encode_counter::<NoLabelSet, _, f64>(&value, None)
    }

    /// A counter with a value for each set of labels.
    pub fn counters<L: EncodeLabelSet>(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = (L, u64)>,
    ) -> fmt::Result {
        let mut family = self.family(name, help, MetricType::Counter)?;
        values.into_iter().try_for_each(|(labels, value)| {
            family
                .encode_family(&labels)?
                .encode_counter::<NoLabelSet, _, f64>(&value, None)
        })
    }

    /// A gauge of one value.
    pub fn gauge(&mut self, name: &str, help: &str, value: impl EncodeGaugeValue) -> fmt::Result {
        self.family(name, help, MetricType::Gauge)?
            .encode_gauge(&value)
    }

    /// A gauge with a value for each set of labels.
    pub fn gauges<L: EncodeLabelSet, V: EncodeGaugeValue>(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = (L, V)>,
    ) -> fmt::Result {
        let mut family = self.family(name, help, MetricType::Gauge)?;
        values
            .into_iter()
            .try_for_each(|(labels, value)| family.encode_family(&labels)?.encode_gauge(&value))
    }

    /// A histogram for each set of labels, in seconds.
    pub fn histograms<L: EncodeLabelSet>(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = (L, HistogramSnapshot)>,
    ) -> fmt::Result {
        let mut family = self.family(name, help, MetricType::Histogram)?;
        values
            .into_iter()
            .try_for_each(|(labels, value)| histogram(&mut family.encode_family(&labels)?, &value))
    }

    /// A histogram without labels, in seconds.
    pub fn histogram(&mut self, name: &str, help: &str, value: &HistogramSnapshot) -> fmt::Result {
        histogram(&mut self.family(name, help, MetricType::Histogram)?, value)
    }

    fn family<'s>(
        &'s mut self,
        name: &'s str,
        help: &str,
        kind: MetricType,
    ) -> Result<MetricEncoder<'s>, fmt::Error> {
        self.0.encode_descriptor(name, help, None, kind)
    }
}

fn histogram(family: &mut MetricEncoder<'_>, value: &HistogramSnapshot) -> fmt::Result {
    let bounds = BOUNDS
        .iter()
        .map(std::time::Duration::as_secs_f64)
        .chain([f64::INFINITY]);
    let buckets: Vec<_> = bounds.zip(value.buckets).collect();
    let sum = value.sum.as_secs_f64();
    family.encode_histogram::<NoLabelSet>(sum, value.count(), &buckets, None)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::metrics::Histogram;

    fn written(format: Format) -> String {
        let histogram = Histogram::default();
        histogram.record(Duration::from_millis(1));
        histogram.record(Duration::from_secs(60));
        let snapshot = histogram.snapshot();
        format
            .text(move |out| {
                out.counter("kw_reloads", "How often", 3)?;
                out.counters(
                    "kw_operations",
                    "By edge",
                    [([("edge", "a\"b\\c\nd")], 7u64)],
                )?;
                out.gauge("kw_ready", "Whether", 1)?;
                out.histograms(
                    "kw_work_seconds",
                    "Time",
                    [([("operation", "x")], snapshot)],
                )
            })
            .unwrap()
    }

    #[test]
    fn open_metrics() {
        let text = written(Format::OpenMetrics);
        assert!(text.starts_with("# HELP kw_reloads How often"), "{text}");
        assert!(text.contains("\n# TYPE kw_operations counter\n"), "{text}");
        assert!(
            text.contains("\nkw_operations_total{edge=\"a\\\"b\\\\c\\nd\"} 7\n"),
            "{text}"
        );
        assert!(
            text.contains("kw_work_seconds_bucket{le=\"0.001\",operation=\"x\"} 1\n"),
            "{text}"
        );
        assert!(
            text.contains("kw_work_seconds_bucket{le=\"+Inf\",operation=\"x\"} 2\n"),
            "{text}"
        );
        assert!(
            text.contains("kw_work_seconds_count{operation=\"x\"} 2\n"),
            "{text}"
        );
        assert!(text.ends_with("# EOF\n"), "{text}");
    }

    #[test]
    fn the_older_format_names_counters_in_full() {
        let text = written(Format::Prometheus);
        assert!(
            text.contains("\n# TYPE kw_operations_total counter\n"),
            "{text}"
        );
        assert!(!text.contains("# EOF"), "{text}");
    }

    #[test]
    fn who_asks_for_open_metrics_gets_it() {
        let prometheus =
            "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3";
        assert_eq!(Format::accepted(prometheus), Format::OpenMetrics);
        assert_eq!(Format::accepted("*/*"), Format::Prometheus);
        assert_eq!(Format::accepted(""), Format::Prometheus);
    }
}
