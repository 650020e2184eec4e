/** Figures for Prometheus and traces for OpenTelemetry. The only room that knows Kamon. */
@NullMarked
package quartet.api.telemetry;

import org.jspecify.annotations.NullMarked;
