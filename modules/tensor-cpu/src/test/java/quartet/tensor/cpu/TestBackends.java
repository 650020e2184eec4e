package quartet.tensor.cpu;

import java.util.stream.Stream;
import quartet.tensor.Backend;
import quartet.tensor.Device;
import quartet.tensor.cpu.reference.ReferenceBackend;

/** The backends that have to keep the same contract. */
final class TestBackends {
  /** Two threads, shared by all tests of this JVM and never closed. */
  static final CpuHost HOST = new CpuHost(CpuSettings.ofThisMachine().withThreads(2));

  private TestBackends() {}

  /** One fresh backend of each kind; whoever takes it closes it. */
  static Stream<Backend> all() {
    return Stream.of(new ReferenceBackend(Device.cpu(0)), new CpuBackend(HOST, Device.cpu(0)));
  }
}
