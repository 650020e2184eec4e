package quartet.engine.model.blocks;

import java.lang.foreign.MemorySegment;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import quartet.tensor.HostTensor;
import quartet.tensor.Shape;

/**
 * A part's weights under the names our models use, wherever they come from: a file as it is, a file
 * with other names, or weights that were changed on their way.
 *
 * <p>A tensor is made when it is asked for and belongs to nobody: it may be a view of a mapped file
 * or an array of its own, which the collector takes once the device has its copy. So no changed
 * copy of a whole part is ever held on the host.
 */
public interface Weights {
  /** The file or files, for messages. */
  String origin();

  /** Changes when any number may have changed. */
  String id();

  /** All names. */
  Set<String> names();

  /** The tensor, or null if there is none of that name. */
  @Nullable HostTensor tensorOrNull(String name);

  /** Its shape, without making the tensor where that costs; or null. */
  default @Nullable Shape shapeOrNull(String name) {
    HostTensor tensor = tensorOrNull(name);
    return tensor == null ? null : tensor.shape();
  }

  /** Whether a tensor is there. */
  default boolean has(String name) {
    return names().contains(name);
  }

  /** The mapped file that most of them are views of, for devices that read it directly; or null. */
  default @Nullable MemorySegment mapping() {
    return null;
  }

  /** What the file calls it, for messages. */
  default String nameInFile(String name) {
    return name;
  }
}
