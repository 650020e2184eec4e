package quartet.engine.model.lora;

import java.lang.foreign.MemorySegment;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import quartet.engine.model.blocks.ModelErrorCode;
import quartet.engine.model.blocks.Weights;
import quartet.errors.EngineException;
import quartet.tensor.HostTensor;
import quartet.tensor.Shape;

/**
 * A part's weights with a LoRA's changes: each tensor is changed when it is asked for, from the one
 * below, so several can lie on top of each other and no changed copy stays on the host.
 */
public final class LoraWeights implements Weights {
  private final Weights base;
  private final LoraFile lora;
  private final LoraNames names;
  private final double strength;

  private LoraWeights(Weights base, LoraFile lora, LoraNames names, double strength) {
    this.base = base;
    this.lora = lora;
    this.names = names;
    this.strength = strength;
  }

  /**
   * Weights with changes.
   *
   * @throws EngineException if the LoRA changes nothing here although it was asked to
   */
  public static Weights of(Weights base, LoraFile lora, LoraNames names, double strength) {
    if (strength == 0) {
      return base;
    }
    return new LoraWeights(base, lora, names, strength);
  }

  /**
   * Passes if a LoRA changes something of a part.
   *
   * @throws EngineException naming one of its modules
   */
  public static void requireAny(LoraFile lora, LoraNames names, Weights base) {
    Set<String> here = new HashSet<>();
    for (String name : base.names()) {
      int dot = name.lastIndexOf('.');
      if (dot > 0) {
        here.addAll(names.of(name.substring(0, dot)));
      }
    }
    if (lora.modules().stream().noneMatch(here::contains)) {
      throw new EngineException(
          ModelErrorCode.LORA_UNFIT,
          "The LoRA %s fits no module of %s; its first one is '%s'. It was trained for another kind of model."
              .formatted(lora.path(), base.origin(), lora.modules().iterator().next()),
          Map.of("file", lora.path()),
          null);
    }
  }

  @Override
  public String origin() {
    return base.origin();
  }

  @Override
  public @Nullable MemorySegment mapping() {
    return base.mapping();
  }

  @Override
  public String id() {
    return "%s+%s*%s".formatted(base.id(), lora.sourceId(), Double.toString(strength));
  }

  @Override
  public Set<String> names() {
    return base.names();
  }

  @Override
  public String nameInFile(String name) {
    return base.nameInFile(name);
  }

  @Override
  public @Nullable Shape shapeOrNull(String name) {
    return base.shapeOrNull(name);
  }

  @Override
  public @Nullable HostTensor tensorOrNull(String name) {
    HostTensor tensor = base.tensorOrNull(name);
    if (tensor == null) {
      return null;
    }
    int dot = name.lastIndexOf('.');
    String leaf = dot < 0 ? "" : name.substring(dot + 1).toLowerCase(Locale.ROOT);
    if (!leaf.equals("weight") && !leaf.equals("bias")) {
      return tensor;
    }
    List<LoraFile.Change> changes =
        lora.changes(names.of(name.substring(0, dot))).stream()
            .filter(change -> leaf.equals("weight") || change.has(LoraFile.Role.DIFF_BIAS))
            .toList();
    if (changes.isEmpty()) {
      return tensor;
    }
    float[] values = tensor.toFloats();
    for (LoraFile.Change change : changes) {
      if (leaf.equals("bias")) {
        LoraDelta.applyToBias(change, values, tensor.shape(), strength);
      } else {
        LoraDelta.apply(change, values, tensor.shape(), strength);
      }
    }
    return HostTensor.of(tensor.shape(), values);
  }
}
