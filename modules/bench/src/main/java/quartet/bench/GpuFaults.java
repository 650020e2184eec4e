package quartet.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import quartet.cuda.CudaErrorCode;
import quartet.engine.device.DeviceWorker;
import quartet.engine.device.LocalHostModels;
import quartet.engine.exec.ExecutionOutcome;
import quartet.engine.files.Folders;
import quartet.engine.graph.ExecutionPlan;
import quartet.engine.graph.GraphValidator;
import quartet.engine.graph.Validation;
import quartet.engine.node.NodeRegistry;
import quartet.engine.nodes.CoreNodes;
import quartet.engine.run.CancelToken;
import quartet.errors.EngineException;
import quartet.errors.ErrorKind;
import quartet.image.ImageReader;
import quartet.tensor.Device;
import quartet.tensor.cuda.AllocationGate;
import quartet.tensor.cuda.CudaBackend;
import quartet.tensor.cuda.CudaSettings;
import quartet.tensor.cuda.HostRegistrations;
import quartet.tensor.cuda.MemoryUse;

/**
 * What a GPU's worker does when things go wrong, tried out on a card; ends with 1 if it does
 * anything else than is promised.
 *
 * <pre>
 * java … quartet.bench.GpuFaults CACHE memory BASE WORKFLOW [STRIDE]
 * java … quartet.bench.GpuFaults CACHE address BASE WORKFLOW
 * </pre>
 *
 * <p>{@code memory} refuses the first, the second, … allocation of a cold prompt: it must succeed
 * at the second try, with the same picture, and give all memory back. {@code address} lets a kernel
 * write where nothing is: the prompt must fail as a lost device.
 */
public final class GpuFaults {
  /** Pools that grow with what prompts need; the others belong to the backend. */
  private static final Set<MemoryUse> OF_PROMPTS =
      EnumSet.of(MemoryUse.ACTIVATIONS, MemoryUse.WEIGHTS);

  private final Folders folders;
  private final ExecutionPlan plan;
  private long allocations;
  private long refused = -1;

  private GpuFaults(Path base, Path workflow) throws IOException {
    folders = Folders.below(base);
    folders.create();
    ObjectNode prompt = (ObjectNode) new ObjectMapper().readTree(workflow.toFile());
    NodeRegistry registry = NodeRegistry.of(new CoreNodes(), List.of(), System.err::println);
    Validation validation = new GraphValidator(registry, folders).validate(prompt, null);
    if (!(validation instanceof Validation.Ready ready)) {
      throw new IllegalArgumentException("not a valid workflow: " + validation);
    }
    plan = ready.plan();
  }

  /** Tries one kind of trouble. */
  public static void main(String[] args) throws IOException {
    if (args.length < 4) {
      System.err.println("arguments: CACHE memory|address BASE WORKFLOW [STRIDE]");
      System.exit(2);
    }
    GpuFaults faults = new GpuFaults(Path.of(args[2]), Path.of(args[3]));
    CudaSettings settings = CudaSettings.standard().withCache(Path.of(args[0]));
    boolean right =
        switch (args[1]) {
          case "memory" -> faults.memory(settings, args.length > 4 ? Integer.parseInt(args[4]) : 1);
          case "address" -> faults.address(settings);
          default -> throw new IllegalArgumentException("unknown trouble " + args[1]);
        };
    System.out.println(args[1] + (right ? ": as promised" : ": NOT as promised"));
    // A poisoned context cannot be closed in order.
    Runtime.getRuntime().halt(right ? 0 : 1);
  }

  private boolean memory(CudaSettings settings, int stride) {
    AllocationGate gate =
        (use, bytes) -> {
          if (allocations++ == refused) {
            throw new EngineException(
                CudaErrorCode.CUDA_OUT_OF_MEMORY, "refused %,d bytes of %s".formatted(bytes, use));
          }
        };
    CudaBackend backend =
        CudaBackend.open(new Device(Device.Kind.CUDA, 0), new HostRegistrations(), settings, gate);
    DeviceWorker worker = worker(backend);
    byte[] expected = picture(run(worker));
    worker.clearCaches();
    allocations = 0;
    run(worker);
    worker.clearCaches();
    long points = allocations;
    System.out.printf("%d allocations in a cold prompt; level %s%n", points, backend.ledger());
    Map<MemoryUse, Long> level = backend.ledger();
    int wrong = 0;
    int tried = 0;
    int furthest = 0;
    for (long at = 0; at < points; at += stride) {
      refused = at;
      allocations = 0;
      DeviceWorker.Result result = worker.run(job(), event -> {});
      refused = -1;
      boolean recovered =
          result.outcome() instanceof ExecutionOutcome.Succeeded && result.outOfMemory() == 1;
      int apart = recovered ? apart(expected, picture(result)) : Byte.MAX_VALUE;
      furthest = Math.max(furthest, apart);
      worker.clearCaches();
      boolean level0 =
          OF_PROMPTS.stream()
              .allMatch(use -> java.util.Objects.equals(backend.ledger().get(use), level.get(use)));
      tried++;
      if (!recovered || apart > 0 || !level0) {
        wrong++;
        System.out.printf(
            "allocation %d: %s, out of memory %d times, %d levels apart, ledger %s%n",
            at, result.outcome(), result.outOfMemory(), apart, backend.ledger());
      }
    }
    boolean next = Arrays.equals(expected, picture(run(worker)));
    System.out.printf(
        "%d of %d refusals tried, %d wrong, at most %d levels apart; the next prompt's picture is %s%n",
        tried, points, wrong, furthest, next ? "right" : "WRONG");
    return wrong == 0 && next;
  }

  private boolean address(CudaSettings settings) {
    CudaBackend backend =
        CudaBackend.open(new Device(Device.Kind.CUDA, 0), new HostRegistrations(), settings);
    DeviceWorker worker = worker(backend);
    backend.poison();
    DeviceWorker.Result result = worker.run(job(), event -> {});
    System.out.println(result.outcome());
    return result.outcome() instanceof ExecutionOutcome.Failed failed
        && failed.kind() == ErrorKind.DEVICE_LOST;
  }

  private DeviceWorker worker(CudaBackend backend) {
    return new DeviceWorker(0, backend, new LocalHostModels(), folders, true, 1);
  }

  private DeviceWorker.Job job() {
    return new DeviceWorker.Job(
        "fault", plan, JsonNodeFactory.instance.objectNode(), CancelToken.NEVER);
  }

  private DeviceWorker.Result run(DeviceWorker worker) {
    DeviceWorker.Result result = worker.run(job(), event -> {});
    if (!(result.outcome() instanceof ExecutionOutcome.Succeeded)) {
      throw new IllegalStateException("an untroubled prompt failed: " + result.outcome());
    }
    return result;
  }

  /** The largest distance of two bytes of two pictures. */
  private static int apart(byte[] one, byte[] other) {
    int furthest = one.length == other.length ? 0 : 255;
    for (int i = 0; i < Math.min(one.length, other.length); i++) {
      furthest =
          Math.max(furthest, Math.abs(Byte.toUnsignedInt(one[i]) - Byte.toUnsignedInt(other[i])));
    }
    return furthest;
  }

  /** The pixels of the one picture that a run saved; the file is deleted. */
  private byte[] picture(DeviceWorker.Result result) {
    try {
      String name =
          result.outcome().shown().values().stream()
              .flatMap(shown -> shown.path("images").valueStream())
              .map(image -> image.path("filename").asText())
              .findFirst()
              .orElseThrow();
      Path file = folders.output().resolve(name);
      byte[] bytes = ImageReader.read(file).bytes();
      Files.delete(file);
      return bytes;
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
