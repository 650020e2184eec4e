package quartet.cuda;

import java.util.List;

/** The sensors of all GPUs of a machine, whoever uses them. Thread: any. */
public interface GpuSensors extends AutoCloseable {
  /** One reading of each GPU that answers. */
  List<GpuReading> read();

  @Override
  void close();
}
