package quartet.api.http;

import akka.http.javadsl.server.AllDirectives;
import akka.http.javadsl.server.Route;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import quartet.api.telemetry.DeviceReading;
import quartet.api.wire.Json;
import quartet.cluster.gpu.GpuSnapshot;
import quartet.cluster.node.RouterProtocol;
import quartet.cluster.queue.DeviceNow;

/**
 * {@code GET /devices}: what is on each device and how far it is, without the prompts themselves.
 * Times are milliseconds since 1970; fields that are not known are left out.
 */
final class DeviceRoutes extends AllDirectives {
  private final ServerParts parts;
  private final Owned owned = new Owned();

  DeviceRoutes(ServerParts parts) {
    this.parts = parts;
  }

  Route route() {
    return path(
        "devices",
        () ->
            get(
                () ->
                    owned.as(
                        who ->
                            completeWithFuture(
                                Owned.localQueues(parts, who)
                                    .thenCompose(
                                        gpus ->
                                            Asking.<List<DeviceNow>>local(
                                                    parts, RouterProtocol.Devices::new)
                                                .thenApply(
                                                    now -> Replies.json(json(gpus, now))))))));
  }

  private ObjectNode json(List<GpuSnapshot> gpus, List<DeviceNow> devices) {
    Map<Integer, DeviceNow> now = new HashMap<>();
    devices.forEach(device -> now.put(device.gpuId(), device));
    ObjectNode answer = Json.object();
    answer.put("now", System.currentTimeMillis());
    ArrayNode list = answer.putArray("devices");
    Map<Integer, DeviceReading> readings = parts.sensors().read();
    for (GpuSnapshot gpu : gpus) {
      ObjectNode device = list.addObject();
      write(device, gpu, now.get(gpu.gpuId()));
      DeviceReading reading = readings.get(gpu.gpuId());
      if (reading != null) {
        write(device, reading);
      }
    }
    return answer;
  }

  private static void write(ObjectNode json, DeviceReading reading) {
    json.put("model", reading.model());
    ObjectNode sensors = json.putObject("sensors").put("uuid", reading.uuid());
    if (reading.utilisation() != null) {
      sensors.put("utilisation", reading.utilisation());
    }
    if (reading.watts() != null) {
      sensors.put("watts", reading.watts());
    }
    if (reading.celsius() != null) {
      sensors.put("celsius", reading.celsius());
    }
    ObjectNode faults = sensors.putObject("faults");
    reading.faults().forEach((code, count) -> faults.put(Integer.toString(code), count));
  }

  private void write(ObjectNode json, GpuSnapshot gpu, @Nullable DeviceNow now) {
    json.put("gpu_id", gpu.gpuId());
    json.put(
        "name",
        gpu.gpuId() < parts.deviceNames().size()
            ? parts.deviceNames().get(gpu.gpuId())
            : gpu.device());
    json.put("paused", gpu.paused());
    if (gpu.unhealthy() != null) {
      json.put("unhealthy", gpu.unhealthy());
    }
    json.put("waiting", gpu.pending().size());
    json.put("tasks", gpu.figures().tasks());
    json.put("succeeded", gpu.figures().succeeded());
    json.put("mean_execution", gpu.figures().meanExecution().toMillis());
    json.put("out_of_memory", gpu.figures().outOfMemory());
    if (now == null) {
      return;
    }
    ArrayNode resident = json.putArray("resident");
    now.resident().stream()
        .map(path -> String.valueOf(Path.of(path).getFileName()))
        .sorted()
        .forEach(resident::add);
    if (now.totalBytes() >= 0 && now.freeBytes() >= 0) {
      json.put("memory_total", now.totalBytes()).put("memory_free", now.freeBytes());
    }
    DeviceNow.Running running = now.running();
    if (running != null) {
      ObjectNode one = json.putObject("running");
      // Others' prompts are no business of a plain user: that the device is busy is.
      if (gpu.running().filter(job -> job.promptId().equals(running.promptId())).isPresent()) {
        one.put("prompt_id", running.promptId());
      }
      one.put("started", running.startedMillis());
      one.put("expected_end", running.expectedEndMillis());
    }
  }
}
