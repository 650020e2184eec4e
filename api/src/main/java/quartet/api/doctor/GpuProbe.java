package quartet.api.doctor;

import java.util.List;

/** Looks at the machine's GPUs, their driver and libraries. */
public interface GpuProbe {
  /** How many GPUs this process may use. */
  int count();

  /** What there is, and what is missing. */
  List<Finding> findings();
}
