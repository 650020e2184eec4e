package quartet.engine.sim;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import quartet.engine.node.Input;
import quartet.engine.node.Node;
import quartet.engine.node.NodeContext;
import quartet.engine.node.NodeInputs;
import quartet.engine.node.NodeResult;
import quartet.engine.node.NodeSchema;
import quartet.engine.node.PortType;
import quartet.engine.value.ImageBatch;
import quartet.engine.value.LatentBatch;

/**
 * Stands for a node that would use the device: same schema, its cost instead of its work. What it
 * hands on is a latent or a picture where the next node may be a real one, and a mark of the model
 * file otherwise.
 */
record SimNode(Node real, NodeSchema schema, SimMachine machine) implements Node {
  /** Sockets whose values real nodes can take, since they live on the host. */
  private static final Set<String> HOST =
      Set.of("IMAGE", "LATENT", "MASK", "INT", "FLOAT", "STRING", "BOOLEAN", "COMBO", "*");

  private static final Set<String> MODEL_FILES = Set.of("ckpt_name", "unet_name");
  private static final int DEFAULT_STEPS = 20;
  private static final int PIXELS_PER_LATENT = 8;
  private static final int LATENT_CHANNELS = 4;

  /** What travels between simulated nodes: which file's weights are meant, if any. */
  record Mark(@Nullable Path file) {}

  /** Whether a node of this schema needs a device. */
  static boolean usesDevice(NodeSchema schema) {
    return schema.inputs().anyMatch(input -> !HOST.contains(input.typeName()))
        || schema.outputs().stream().anyMatch(output -> !HOST.contains(output.type().name()));
  }

  @Override
  public Optional<String> changeStamp(NodeInputs constants, NodeContext.Files files) {
    return real.changeStamp(constants, files);
  }

  @Override
  public NodeResult run(NodeInputs inputs, NodeContext context) {
    Path file = file(inputs, context);
    LatentBatch latent = null;
    ImageBatch image = null;
    for (Input<?> input : schema.inputs().toList()) {
      Object value = input instanceof Input.SocketInput<?> ? value(inputs, input) : null;
      switch (value) {
        case Mark mark when mark.file() != null -> {
          machine.use(mark.file(), context.cancel());
          file = file == null ? mark.file() : file;
        }
        case LatentBatch one -> latent = latent == null ? one : latent;
        case ImageBatch one -> image = image == null ? one : image;
        case null -> {}
        default -> {}
      }
    }
    boolean makesLatent = makes("LATENT");
    if (latent != null && makesLatent) {
      sample(latent, steps(inputs), context);
    } else if (latent != null && makes("IMAGE")) {
      code(images(latent), context);
      image = SimPicture.of(latent.batch());
    } else if (image != null && makesLatent) {
      latent = latentOf(image);
      code(images(latent), context);
    } else if (makes("CONDITIONING")) {
      machine.spend(machine.costs().encodeText(), context.cancel());
    }
    return result(latent, image, new Mark(file));
  }

  private NodeResult result(@Nullable LatentBatch latent, @Nullable ImageBatch image, Mark mark) {
    List<Object> values = new ArrayList<>();
    for (NodeSchema.Output output : schema.outputs()) {
      values.add(
          switch (output.type().name()) {
            case "LATENT" ->
                latent == null
                    ? LatentBatch.zeros(1, LATENT_CHANNELS, PIXELS_PER_LATENT, PIXELS_PER_LATENT)
                    : latent;
            case "IMAGE" -> image == null ? SimPicture.of(1) : image;
            case "INT" -> 0L;
            case "FLOAT" -> 0.0;
            case "STRING" -> "";
            case "BOOLEAN" -> false;
            default -> mark;
          });
    }
    return new NodeResult(values, null);
  }

  /** The file this node loads, now on the device, or null if it loads none. */
  private @Nullable Path file(NodeInputs inputs, NodeContext context) {
    for (Input<?> input : schema.inputs().toList()) {
      if (input instanceof Input.ComboInput combo && MODEL_FILES.contains(input.name())) {
        String folder = input.name().equals("ckpt_name") ? "checkpoints" : "diffusion_models";
        Path file = context.files().model(folder, inputs.get(combo));
        machine.use(file, context.cancel());
        return file;
      }
    }
    return null;
  }

  private void sample(LatentBatch latent, int steps, NodeContext context) {
    machine.occupy(images(latent));
    try {
      Duration step = machine.costs().step(images(latent));
      for (int done = 1; done <= steps; done++) {
        machine.spend(step, context.cancel());
        context.progress(done, steps, method -> SimPicture.of(1));
      }
    } finally {
      machine.release();
    }
  }

  private void code(double images, NodeContext context) {
    machine.occupy(images);
    try {
      machine.spend(machine.costs().decode(images), context.cancel());
    } finally {
      machine.release();
    }
  }

  private int steps(NodeInputs inputs) {
    long steps = whole(inputs, "steps", DEFAULT_STEPS);
    long from = Math.min(steps, whole(inputs, "start_at_step", 0));
    long to = Math.min(steps, whole(inputs, "end_at_step", steps));
    return (int) Math.max(0, to - from);
  }

  private long whole(NodeInputs inputs, String name, long otherwise) {
    return schema
        .input(name)
        .filter(Input.IntInput.class::isInstance)
        .map(Input.IntInput.class::cast)
        .flatMap(inputs::find)
        .orElse(otherwise);
  }

  private boolean makes(String type) {
    return schema.outputs().stream().anyMatch(output -> output.type().name().equals(type));
  }

  private static @Nullable Object value(NodeInputs inputs, Input<?> input) {
    return inputs
        .find(Input.socket(input.name(), new PortType<>(input.typeName(), Object.class)))
        .orElse(null);
  }

  private static double images(LatentBatch latent) {
    return SimCosts.images(latent.batch(), latent.height(), latent.width());
  }

  private static LatentBatch latentOf(ImageBatch image) {
    return LatentBatch.zeros(
        image.batch(),
        LATENT_CHANNELS,
        Math.max(1, image.height() / PIXELS_PER_LATENT),
        Math.max(1, image.width() / PIXELS_PER_LATENT));
  }
}
