package quartet.api.acceptance;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Parser;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import io.opentelemetry.proto.common.v1.KeyValue;
import io.opentelemetry.proto.metrics.v1.HistogramDataPoint;
import io.opentelemetry.proto.metrics.v1.Metric;
import io.opentelemetry.proto.trace.v1.Span;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.zip.GZIPInputStream;

/** An OpenTelemetry receiver over HTTP that keeps what it gets: of metrics, or of traces. */
final class OtlpReceiver implements AutoCloseable {
  static final String METRICS = "/v1/metrics";
  static final String TRACES = "/v1/traces";

  private final HttpServer server;
  private final String path;
  private final AtomicInteger refused = new AtomicInteger();
  private final List<byte[]> taken = new CopyOnWriteArrayList<>();
  private final List<Map<String, String>> headers = new CopyOnWriteArrayList<>();
  private volatile int status = 200;

  /**
   * Listens on the loopback.
   *
   * @param path {@link #METRICS} or {@link #TRACES}
   * @param port 0 for a free one
   */
  OtlpReceiver(String path, int port) {
    this.path = path;
    try {
      server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
    } catch (IOException e) {
      throw new UncheckedIOException("no receiver on port " + port, e);
    }
    server.createContext(path, this::take);
    server.start();
  }

  private void take(HttpExchange exchange) throws IOException {
    try (exchange) {
      Map<String, String> sent = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
      exchange.getRequestHeaders().forEach((name, values) -> sent.put(name, values.getFirst()));
      boolean packed = "gzip".equals(sent.get("Content-Encoding"));
      try (InputStream body =
          packed ? new GZIPInputStream(exchange.getRequestBody()) : exchange.getRequestBody()) {
        byte[] request = body.readAllBytes();
        if (status == 200) {
          headers.add(sent);
          taken.add(request);
        } else {
          refused.incrementAndGet();
        }
      }
      exchange.sendResponseHeaders(status, -1);
    }
  }

  /** From now on it answers with this. */
  void answer(int code) {
    status = code;
  }

  int port() {
    return server.getAddress().getPort();
  }

  String address() {
    return "http://127.0.0.1:" + port() + path;
  }

  /** How many requests were answered with something else than 200. */
  int refused() {
    return refused.get();
  }

  /** The requests with metrics that were taken. */
  List<ExportMetricsServiceRequest> requests() {
    return taken.stream()
        .map(request -> read(ExportMetricsServiceRequest.parser(), request))
        .toList();
  }

  /** The spans that were taken. */
  List<Span> spans() {
    return taken.stream()
        .map(request -> read(ExportTraceServiceRequest.parser(), request))
        .flatMap(request -> request.getResourceSpansList().stream())
        .flatMap(resource -> resource.getScopeSpansList().stream())
        .flatMap(scope -> scope.getSpansList().stream())
        .toList();
  }

  private static <T> T read(Parser<T> parser, byte[] request) {
    try {
      return parser.parseFrom(request);
    } catch (InvalidProtocolBufferException e) {
      throw new UncheckedIOException("not what this receiver is for", e);
    }
  }

  /** Headers of each request that was taken. */
  List<Map<String, String>> headers() {
    return List.copyOf(headers);
  }

  /** The metrics of the last request by name; empty before the first. */
  Map<String, Metric> last() {
    Map<String, Metric> metrics = new TreeMap<>();
    if (!taken.isEmpty()) {
      read(ExportMetricsServiceRequest.parser(), taken.getLast())
          .getResourceMetricsList()
          .forEach(
              resource ->
                  resource
                      .getScopeMetricsList()
                      .forEach(
                          scope ->
                              scope
                                  .getMetricsList()
                                  .forEach(metric -> metrics.put(metric.getName(), metric))));
    }
    return metrics;
  }

  /** One metric of the last request, which must be there. */
  Metric last(String name) {
    return Objects.requireNonNull(last().get(name), name + " was not sent");
  }

  /** The sum of a counter's points that have these labels; 0 without any. */
  double counted(String name, String... labels) {
    Metric metric = last().get(name);
    return metric == null
        ? 0
        : metric.getSum().getDataPointsList().stream()
            .filter(point -> labels(point.getAttributesList()).entrySet().containsAll(of(labels)))
            .mapToDouble(point -> point.getAsDouble())
            .sum();
  }

  /** How many values a histogram's points hold together; 0 without any. */
  long recorded(String name) {
    Metric metric = last().get(name);
    return metric == null
        ? 0
        : metric.getHistogram().getDataPointsList().stream()
            .mapToLong(HistogramDataPoint::getCount)
            .sum();
  }

  private static Set<Map.Entry<String, String>> of(String... labels) {
    Map<String, String> all = new TreeMap<>();
    for (int i = 0; i < labels.length; i += 2) {
      all.put(labels[i], labels[i + 1]);
    }
    return all.entrySet();
  }

  static Map<String, String> labels(List<KeyValue> attributes) {
    Map<String, String> labels = new TreeMap<>();
    attributes.forEach(one -> labels.put(one.getKey(), one.getValue().getStringValue()));
    return labels;
  }

  /** Names as Prometheus makes them: letters, digits and _, then the unit, then the kind. */
  List<String> inPrometheus() {
    List<String> names = new ArrayList<>();
    for (Metric metric : last().values()) {
      if (metric.hasHistogram()
          && metric.getHistogram().getDataPointsList().stream().allMatch(p -> p.getCount() == 0)) {
        continue; // a scrape has no empty ones
      }
      String name = metric.getName().replaceAll("[^A-Za-z0-9_]", "_");
      String unit =
          switch (metric.getUnit()) {
            case "s" -> "seconds";
            case "By" -> "bytes";
            case "W" -> "watts";
            case "Cel" -> "celsius";
            case "1" -> metric.hasGauge() ? "ratio" : "";
            default -> "";
          };
      if (!unit.isEmpty() && !List.of(name.split("_")).contains(unit)) {
        name += "_" + unit;
      }
      names.add(metric.hasSum() && metric.getSum().getIsMonotonic() ? name + "_total" : name);
    }
    return names;
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
