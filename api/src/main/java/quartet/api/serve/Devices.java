package quartet.api.serve;

import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import quartet.api.isolation.ProcessWorker;
import quartet.api.ws.LivePreviews;
import quartet.cluster.gpu.GpuSettings;
import quartet.cluster.gpu.GpuSupervision;
import quartet.cluster.model.ActorHostModels;
import quartet.engine.graph.GraphValidator;
import quartet.tensor.Device;

/** A server's devices: what the log says of them, and how each is run. */
final class Devices {
  private static final Logger LOG = LoggerFactory.getLogger(Devices.class);

  private Devices() {}

  /** Says which devices there are. */
  static void announce(DeviceChoice choice) {
    if (choice.note() != null) {
      LOG.warn("⚠️ {}", choice.note());
    }
    if (choice.multi()) {
      LOG.info("✅ Multi-GPU scheduling ENABLED");
      LOG.info("🚀 Multi-GPU mode ENABLED with {} GPUs", choice.devices().size());
      LOG.info("📋 Created {} task queues for multi-GPU scheduling", choice.devices().size());
    } else {
      LOG.info("Single-device mode on {}", choice.devices().getFirst());
    }
    if (choice.devices().stream().anyMatch(device -> device.kind() == Device.Kind.SIM)) {
      LOG.warn("⚠️ Simulated devices: nothing is computed, and pictures say SIMULATED");
    }
  }

  /** How each is run, in the order of their numbers. Their workers are opened on their threads. */
  static List<GpuSettings> settings(
      ServerOptions options,
      BackendFactory backends,
      GraphValidator validator,
      ActorHostModels hostModels,
      LivePreviews previews) {
    Workers workers =
        new Workers(
            backends,
            options.sim(),
            options.faults(),
            options.folders(),
            options.writeMetadata(),
            options.maxResident(),
            options.cache());
    Isolation isolation = options.isolation();
    List<GpuSettings> settings = new ArrayList<>();
    for (Device device : options.devices().devices()) {
      int gpuId = settings.size();
      settings.add(
          new GpuSettings(
              gpuId,
              device,
              () ->
                  isolation == null
                      ? workers.open(gpuId, device, hostModels)
                      : new ProcessWorker(gpuId, isolation.command(gpuId, device)),
              new StoredPlans(validator),
              previews,
              GpuSupervision.USUAL,
              options.stuckAfter()));
    }
    return settings;
  }
}
