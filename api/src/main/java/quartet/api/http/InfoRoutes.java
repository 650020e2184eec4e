package quartet.api.http;

import akka.http.javadsl.server.AllDirectives;
import akka.http.javadsl.server.PathMatchers;
import akka.http.javadsl.server.Route;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import quartet.api.telemetry.DeviceReading;
import quartet.api.wire.Json;
import quartet.api.ws.Features;
import quartet.cluster.node.RouterProtocol;
import quartet.cluster.queue.DeviceNow;
import quartet.engine.node.NodeRegistry;
import quartet.engine.node.SchemaJson;

/** {@code /object_info}, {@code /system_stats}, {@code /features}. */
final class InfoRoutes extends AllDirectives {
  /** The ComfyUI release whose protocol is spoken. Source: docs/compatibility.md. */
  private static final String PROTOCOL_VERSION = "0.3.75";

  private final ServerParts parts;

  InfoRoutes(ServerParts parts) {
    this.parts = parts;
  }

  Route route() {
    return concat(
        path(
            PathMatchers.segment("object_info").slash(PathMatchers.segment()),
            name -> get(() -> complete(Replies.json(objectInfo(name))))),
        path("object_info", () -> get(() -> complete(Replies.json(objectInfo())))),
        path(
            "system_stats",
            () ->
                get(
                    () ->
                        completeWithFuture(
                            Asking.<List<DeviceNow>>router(parts, RouterProtocol.Devices::new)
                                .thenApply(now -> Replies.json(systemStats(now)))))),
        path(
            "features",
            () -> get(() -> complete(Replies.json(Features.json(parts.maxUploadBytes()))))));
  }

  private ObjectNode objectInfo() {
    ObjectNode all = Json.object();
    for (NodeRegistry.Registered node : parts.registry().all()) {
      all.set(node.schema().className(), SchemaJson.entry(node.schema(), parts.folders()));
    }
    return all;
  }

  private ObjectNode objectInfo(String className) {
    ObjectNode one = Json.object();
    parts
        .registry()
        .find(className)
        .ifPresent(node -> one.set(className, SchemaJson.entry(node.schema(), parts.folders())));
    return one;
  }

  private ObjectNode systemStats(List<DeviceNow> now) {
    OperatingSystemMXBean machine =
        (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    ObjectNode stats = Json.object();
    ObjectNode system = stats.putObject("system");
    system.put(
        "os",
        System.getProperty("os.name").toLowerCase(Locale.ROOT).startsWith("win") ? "nt" : "posix");
    system.put("ram_total", machine.getTotalMemorySize());
    system.put("ram_free", machine.getFreeMemorySize());
    system.put("comfyui_version", PROTOCOL_VERSION);
    system.put("quartet_version", parts.version());
    system.putNull("required_frontend_version");
    system.put("python_version", "none; Java " + Runtime.version());
    system.put("pytorch_version", "none");
    system.put("embedded_python", false);
    parts.arguments().forEach(system.putArray("argv")::add);
    Map<Integer, DeviceReading> readings = parts.sensors().read();
    readings.values().stream()
        .findFirst()
        .ifPresent(reading -> system.put("gpu_driver", reading.driver()));
    ArrayNode devices = stats.putArray("devices");
    for (int i = 0; i < parts.deviceNames().size(); i++) {
      ObjectNode device = devices.addObject();
      DeviceReading reading = readings.get(i);
      device.put(
          "name", parts.deviceNames().get(i) + (reading == null ? "" : " " + reading.model()));
      device.put("type", parts.deviceNames().get(i).replaceAll(":.*", ""));
      device.put("index", i);
      int gpu = i;
      DeviceNow known =
          now.stream()
              .filter(one -> one.gpuId() == gpu && one.totalBytes() >= 0 && one.freeBytes() >= 0)
              .findFirst()
              .orElse(null);
      // Clients want numbers here: a device that has said nothing yet has none to spare.
      device.put("vram_total", known == null ? 0 : known.totalBytes());
      device.put("vram_free", known == null ? 0 : known.freeBytes());
      device.put("torch_vram_total", 0);
      device.put("torch_vram_free", 0);
    }
    return stats;
  }
}
