package quartet.api.cli;

import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import quartet.api.isolation.WorkerProcess;
import quartet.api.serve.BackendFactory;
import quartet.api.serve.Workers;
import quartet.engine.device.DeviceThread;
import quartet.engine.device.LocalHostModels;
import quartet.engine.files.Folders;
import quartet.engine.graph.GraphValidator;
import quartet.engine.node.NodeRegistry;
import quartet.engine.nodes.CoreNodes;
import quartet.engine.plugin.PlugIns;
import quartet.engine.sim.SimCosts;
import quartet.tensor.Device;

/** {@code quartet gpu-worker}: one device in a process of its own, started by {@code serve}. */
@CommandLine.Command(
    name = "gpu-worker",
    hidden = true,
    description = "One device of a server with --isolation process; not for people.")
final class GpuWorkerCommand implements Callable<Integer> {
  private static final Logger LOG = LoggerFactory.getLogger(GpuWorkerCommand.class);

  private final BackendFactory backends;

  @CommandLine.Option(names = "--gpu", required = true)
  private int gpuId;

  @CommandLine.Option(names = "--device", required = true)
  private String device = "";

  @CommandLine.Option(names = "--base-directory", required = true)
  private Path base = Path.of(".");

  @CommandLine.Option(names = "--output-directory", required = true)
  private Path output = Path.of(".");

  @CommandLine.Option(names = "--sim")
  private String sim = "";

  @CommandLine.Option(names = "--inject-faults")
  private @Nullable Path faults;

  @CommandLine.Option(names = "--max-resident")
  private int maxResident = 2;

  @CommandLine.Option(names = "--disable-metadata")
  private boolean noMetadata;

  @CommandLine.ArgGroup private CacheFlags.@Nullable Choice cache;

  GpuWorkerCommand(BackendFactory backends) {
    this.backends = backends;
  }

  @Override
  public Integer call() {
    PrintStream messages =
        new PrintStream(new FileOutputStream(FileDescriptor.out), false, StandardCharsets.UTF_8);
    Folders folders = Folders.below(base).withOutput(output);
    NodeRegistry registry =
        NodeRegistry.of(
            new CoreNodes(),
            PlugIns.load(folders.customNodes()).packs(),
            problem -> LOG.warn("{}", problem));
    Workers workers =
        new Workers(
            backends,
            SimCosts.parse(sim),
            faults,
            folders,
            !noMetadata,
            maxResident,
            CacheFlags.mode(cache));
    try (DeviceThread thread =
            new DeviceThread(
                gpuId, () -> workers.open(gpuId, Device.parse(device), new LocalHostModels()));
        BufferedReader in =
            new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
      new WorkerProcess(thread, new GraphValidator(registry, folders), messages).serve(in);
    } catch (IOException e) {
      throw new UncheckedIOException("the server's process cannot be heard", e);
    }
    return CommandLine.ExitCode.OK;
  }
}
