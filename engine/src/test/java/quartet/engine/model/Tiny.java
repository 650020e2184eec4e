package quartet.engine.model;

import quartet.engine.backends.BackendKind;
import quartet.safetensors.SafetensorsFile;
import quartet.tensor.Backend;
import quartet.tensor.HostTensor;
import quartet.testkit.Goldens;
import quartet.testkit.TensorAssertions;

/** The tiny golden checkpoint, its expected tensors, and a backend to run it on. */
final class Tiny implements AutoCloseable {
  final Backend backend;
  private final BackendKind.Opened opened;
  final SafetensorsFile file = Goldens.tensors("tiny_sd15");
  final SafetensorsFile expected = Goldens.tensors("tiny_sd15_expected");
  final CheckpointModels models;

  Tiny(BackendKind kind) {
    this.opened = kind.open();
    this.backend = opened.backend();
    this.models = CheckpointModels.open(file, backend);
  }

  HostTensor tensor(String name) {
    return expected.tensor(name);
  }

  float[] floats(String name) {
    return expected.tensor(name).toFloats();
  }

  /** Fails beyond a relative root mean square of 1e-5, the goldens' own bound. */
  void assertClose(String name, float[] actual) {
    assertClose(name, actual, 1e-5);
  }

  void assertClose(String name, float[] actual, double bound) {
    float[] wanted = floats(name);
    double distance = TensorAssertions.relativeRms(actual, wanted);
    if (!(distance <= bound)) {
      throw new AssertionError(
          "%s: relative root mean square distance %.3e beyond %.1e"
              .formatted(name, distance, bound));
    }
  }

  @Override
  public void close() {
    models.close();
    opened.close();
    file.close();
    expected.close();
  }
}
