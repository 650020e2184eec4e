package quartet.engine.model.lora;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import quartet.engine.model.blocks.ModelErrorCode;
import quartet.errors.EngineException;
import quartet.safetensors.SafetensorsFile;
import quartet.tensor.HostTensor;

/**
 * A LoRA's tensors by module and role, whatever suffixes its trainer gave them.
 *
 * <p>Owner: nobody; the file stays open as long as anybody reads.
 */
public final class LoraFile {
  /** What a tensor is in the change of its module. */
  enum Role {
    UP,
    DOWN,
    MID,
    ALPHA,
    DORA_SCALE,
    HADA_W1_A,
    HADA_W1_B,
    HADA_W2_A,
    HADA_W2_B,
    HADA_T1,
    HADA_T2,
    LOKR_W1,
    LOKR_W1_A,
    LOKR_W1_B,
    LOKR_W2,
    LOKR_W2_A,
    LOKR_W2_B,
    LOKR_T2,
    DIFF,
    DIFF_BIAS,
    SET_WEIGHT
  }

  private record Suffix(String text, Role role) {}

  /** Longer ones first where one ends another. */
  private static final List<Suffix> SUFFIXES =
      List.of(
          new Suffix(".lora_up.weight", Role.UP),
          new Suffix(".lora_down.weight", Role.DOWN),
          new Suffix(".lora_mid.weight", Role.MID),
          new Suffix("_lora.up.weight", Role.UP),
          new Suffix("_lora.down.weight", Role.DOWN),
          new Suffix(".lora_B.default.weight", Role.UP),
          new Suffix(".lora_A.default.weight", Role.DOWN),
          new Suffix(".lora_B.weight", Role.UP),
          new Suffix(".lora_A.weight", Role.DOWN),
          new Suffix(".lora.up.weight", Role.UP),
          new Suffix(".lora.down.weight", Role.DOWN),
          new Suffix(".lora_linear_layer.up.weight", Role.UP),
          new Suffix(".lora_linear_layer.down.weight", Role.DOWN),
          new Suffix(".lora_B", Role.UP),
          new Suffix(".lora_A", Role.DOWN),
          new Suffix(".alpha", Role.ALPHA),
          new Suffix(".dora_scale", Role.DORA_SCALE),
          new Suffix(".lora_magnitude_vector", Role.DORA_SCALE),
          new Suffix(".hada_w1_a", Role.HADA_W1_A),
          new Suffix(".hada_w1_b", Role.HADA_W1_B),
          new Suffix(".hada_w2_a", Role.HADA_W2_A),
          new Suffix(".hada_w2_b", Role.HADA_W2_B),
          new Suffix(".hada_t1", Role.HADA_T1),
          new Suffix(".hada_t2", Role.HADA_T2),
          new Suffix(".lokr_w1", Role.LOKR_W1),
          new Suffix(".lokr_w1_a", Role.LOKR_W1_A),
          new Suffix(".lokr_w1_b", Role.LOKR_W1_B),
          new Suffix(".lokr_w2", Role.LOKR_W2),
          new Suffix(".lokr_w2_a", Role.LOKR_W2_A),
          new Suffix(".lokr_w2_b", Role.LOKR_W2_B),
          new Suffix(".lokr_t2", Role.LOKR_T2),
          new Suffix(".diff", Role.DIFF),
          new Suffix(".w_norm", Role.DIFF),
          new Suffix(".diff_b", Role.DIFF_BIAS),
          new Suffix(".b_norm", Role.DIFF_BIAS),
          new Suffix(".set_weight", Role.SET_WEIGHT));

  private final SafetensorsFile file;
  private final Map<String, Map<Role, String>> modules;

  private LoraFile(SafetensorsFile file, Map<String, Map<Role, String>> modules) {
    this.file = file;
    this.modules = modules;
  }

  /**
   * Sorts a file's tensors by module.
   *
   * @throws EngineException if none of them is a change to a module
   */
  public static LoraFile of(SafetensorsFile file) {
    Map<String, Map<Role, String>> modules = new LinkedHashMap<>();
    for (String name : file.names()) {
      for (Suffix suffix : SUFFIXES) {
        if (name.endsWith(suffix.text())) {
          String module = name.substring(0, name.length() - suffix.text().length());
          modules.computeIfAbsent(module, key -> new HashMap<>()).put(suffix.role(), name);
          break;
        }
      }
    }
    if (modules.isEmpty()) {
      throw new EngineException(
          ModelErrorCode.LORA_UNFIT,
          "%s is no LoRA: none of its %d tensors is named as one of a LoRA, LoHa, LoKr or DoRA."
              .formatted(file.path(), file.names().size()),
          Map.of("file", file.path().toString()),
          null);
    }
    return new LoraFile(file, modules);
  }

  /** Modules that it changes. */
  Set<String> modules() {
    return modules.keySet();
  }

  /** Whether it changes a text encoder, as far as its names tell. */
  public boolean changesText() {
    return modules.keySet().stream().anyMatch(LoraFile::ofText);
  }

  /** Whether it changes anything else. */
  public boolean changesModel() {
    return !modules.keySet().stream().allMatch(LoraFile::ofText);
  }

  private static boolean ofText(String module) {
    return module.startsWith("lora_te") || module.startsWith("text_encoder");
  }

  /** The changes to one module, under all of its names that are there. */
  List<Change> changes(List<String> names) {
    List<Change> changes = new ArrayList<>();
    for (String name : names) {
      Map<Role, String> tensors = modules.get(name);
      if (tensors != null && changes.stream().noneMatch(one -> one.module().equals(name))) {
        changes.add(new Change(name, tensors));
      }
    }
    return changes;
  }

  String path() {
    return file.path().toString();
  }

  String sourceId() {
    return file.sourceId();
  }

  /** The tensors of one module. */
  final class Change {
    private final String module;
    private final Map<Role, String> tensors;

    private Change(String module, Map<Role, String> tensors) {
      this.module = module;
      this.tensors = tensors;
    }

    String module() {
      return module;
    }

    boolean has(Role role) {
      return tensors.containsKey(role);
    }

    /**
     * One of its tensors, converted.
     *
     * @throws EngineException if it is not there, no float, or not finite
     */
    Matrix get(Role role) {
      String name = tensors.get(role);
      if (name == null) {
        throw unfit(
            "lacks the %s of its change".formatted(role.name().toLowerCase(java.util.Locale.ROOT)));
      }
      HostTensor tensor = file.tensor(name);
      if (!tensor.dtype().isFloating()) {
        throw unfit(
            "has dtype %s in '%s', where a float is needed".formatted(tensor.dtype(), name));
      }
      float[] values = tensor.toFloats();
      for (int i = 0; i < values.length; i++) {
        if (!Float.isFinite(values[i])) {
          throw unfit("holds %s at %d of '%s': the file is damaged".formatted(values[i], i, name));
        }
      }
      return new Matrix(values, tensor.shape());
    }

    /** The factor in {@code alpha}, or null. */
    @Nullable Float alpha() {
      return has(Role.ALPHA) ? get(Role.ALPHA).values()[0] : null;
    }

    EngineException unfit(String what) {
      return new EngineException(
          ModelErrorCode.LORA_UNFIT,
          "The LoRA %s cannot be applied: its module '%s' %s.".formatted(path(), module, what),
          Map.of("file", path(), "module", module),
          null);
    }
  }
}
