package quartet.engine.nodes;

import static quartet.engine.nodes.LatentNodes.FIRST;
import static quartet.engine.nodes.LatentNodes.SAMPLES;
import static quartet.engine.nodes.LatentNodes.SECOND;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import quartet.engine.node.Input;
import quartet.engine.node.Node;
import quartet.engine.node.NodeResult;
import quartet.engine.value.HeapRoom;
import quartet.engine.value.LatentBatch;

/**
 * Nodes that make batches of latents and take them apart, with the draws of noise they stand for.
 */
final class LatentBatchNodes {
  private LatentBatchNodes() {}

  static List<Node> all() {
    return List.of(batch(), repeat(), fromBatch(), seedBehavior());
  }

  private static Node batch() {
    return FunctionNode.of(
        LatentNodes.schema("LatentBatch", "LatentBatch", "latent/batch")
            .extra("nodes_latent")
            .newer()
            .description("Two batches as one; the second is resized to the first.")
            .required(FIRST, SECOND),
        (inputs, context) -> {
          LatentBatch first = inputs.get(FIRST);
          LatentBatch second = LatentNodes.fitted(inputs.get(SECOND), first, "bilinear");
          float[] values =
              java.util.Arrays.copyOf(
                  first.values(),
                  HeapRoom.forFloats(
                      first.batch() + second.batch(),
                      first.channels(),
                      first.height(),
                      first.width()));
          System.arraycopy(
              second.values(), 0, values, first.values().length, second.values().length);
          List<Integer> index = new ArrayList<>(index(first));
          index.addAll(index(second));
          return NodeResult.of(
              new LatentBatch(
                  values,
                  first.batch() + second.batch(),
                  first.channels(),
                  first.height(),
                  first.width(),
                  null,
                  index));
        });
  }

  private static List<Integer> index(LatentBatch latent) {
    List<Integer> given = latent.batchIndex();
    if (given != null) {
      return given;
    }
    List<Integer> index = new ArrayList<>();
    for (int b = 0; b < latent.batch(); b++) {
      index.add(b);
    }
    return index;
  }

  private static Node repeat() {
    Input.IntInput amount = Input.integer("amount", 1, 1, 64, 1);
    return FunctionNode.of(
        LatentNodes.schema("RepeatLatentBatch", "Repeat Latent Batch", "latent/batch")
            .description("The same latents several times over, each with a noise of its own.")
            .required(SAMPLES, amount),
        (inputs, context) -> {
          LatentBatch latent = inputs.get(SAMPLES);
          int times = inputs.getInt(amount);
          int batch = latent.batch() * times;
          float[] values =
              new float
                  [HeapRoom.forFloats(batch, latent.channels(), latent.height(), latent.width())];
          for (int n = 0; n < times; n++) {
            System.arraycopy(
                latent.values(), 0, values, n * latent.values().length, latent.values().length);
          }
          return NodeResult.of(
              new LatentBatch(
                  values,
                  batch,
                  latent.channels(),
                  latent.height(),
                  latent.width(),
                  Masks.repeated(latent.noiseMask(), times),
                  repeatedIndex(latent, times)));
        });
  }

  /** Each repetition goes on behind the draws of the one before. */
  private static @Nullable List<Integer> repeatedIndex(LatentBatch latent, int times) {
    List<Integer> given = latent.batchIndex();
    if (given == null) {
      return null;
    }
    int low = given.stream().mapToInt(Integer::intValue).min().orElse(0);
    int high = given.stream().mapToInt(Integer::intValue).max().orElse(0);
    int offset = high - low + 1;
    List<Integer> all = new ArrayList<>();
    for (int n = 0; n < times; n++) {
      for (int draw : given) {
        all.add(draw + n * offset);
      }
    }
    return all;
  }

  private static Node fromBatch() {
    Input.IntInput from = Input.integer("batch_index", 0, 0, 63, 1);
    Input.IntInput length = Input.integer("length", 1, 1, 64, 1);
    return FunctionNode.of(
        LatentNodes.schema("LatentFromBatch", "Latent From Batch", "latent/batch")
            .description("Some latents of a batch, which keep their own noise.")
            .required(SAMPLES, from, length),
        (inputs, context) -> {
          LatentBatch latent = inputs.get(SAMPLES);
          int start = Math.min(latent.batch() - 1, inputs.getInt(from));
          int count = Math.min(latent.batch() - start, inputs.getInt(length));
          int item = latent.values().length / latent.batch();
          return NodeResult.of(
              new LatentBatch(
                  java.util.Arrays.copyOfRange(
                      latent.values(), start * item, (start + count) * item),
                  count,
                  latent.channels(),
                  latent.height(),
                  latent.width(),
                  Masks.part(latent.noiseMask(), start, count),
                  index(latent).subList(start, start + count)));
        });
  }

  private static Node seedBehavior() {
    Input.ComboInput behavior = Input.options("seed_behavior", "random", "fixed");
    return FunctionNode.of(
        LatentNodes.schema("LatentBatchSeedBehavior", "LatentBatchSeedBehavior", "latent/advanced")
            .extra("nodes_latent")
            .newer()
            .description("Whether each latent of a batch gets noise of its own or all the same.")
            .required(SAMPLES, behavior),
        (inputs, context) -> {
          LatentBatch latent = inputs.get(SAMPLES);
          boolean fixed = inputs.get(behavior).equals("fixed");
          int first = index(latent).getFirst();
          return NodeResult.of(
              new LatentBatch(
                  latent.values(),
                  latent.batch(),
                  latent.channels(),
                  latent.height(),
                  latent.width(),
                  latent.noiseMask(),
                  fixed ? java.util.Collections.nCopies(latent.batch(), first) : null));
        });
  }
}
