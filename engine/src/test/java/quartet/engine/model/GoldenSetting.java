package quartet.engine.model;

import static org.assertj.core.api.Assertions.assertThat;

import quartet.engine.backends.BackendKind;
import quartet.safetensors.SafetensorsFile;
import quartet.testkit.Goldens;
import quartet.testkit.TensorAssertions;

/** A tiny file, what an independent script expects of it, and a device. */
record GoldenSetting(
    BackendKind.Opened opened,
    SafetensorsFile file,
    SafetensorsFile expected,
    CheckpointModels models)
    implements AutoCloseable {
  /** What the file alone makes necessary: a checkpoint or a part of one. */
  static GoldenSetting of(String name, BackendKind kind) {
    BackendKind.Opened opened = kind.open();
    SafetensorsFile file = Goldens.tensors(name);
    return new GoldenSetting(
        opened,
        file,
        Goldens.tensors(name + "_expected"),
        CheckpointModels.openPart(file, opened.backend()));
  }

  float[] floats(String name) {
    return expected.tensor(name).toFloats();
  }

  void assertClose(String name, float[] actual, double bound) {
    double distance = TensorAssertions.relativeRms(actual, floats(name));
    assertThat(distance).as(name).isLessThanOrEqualTo(bound);
  }

  @Override
  public void close() {
    models.close();
    opened.close();
    file.close();
    expected.close();
  }
}
