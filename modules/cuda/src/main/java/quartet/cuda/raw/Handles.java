package quartet.cuda.raw;

import jcuda.driver.CUevent;
import jcuda.driver.CUfunction;
import jcuda.driver.CUgraphExec;
import jcuda.driver.CUstream;

/**
 * JCuda's handles that tell their pointer: its accessor is for subclasses only, and the calls made
 * through java.lang.foreign need the number.
 */
final class Handles {
  private Handles() {}

  static final class Stream extends CUstream {
    long address() {
      return getNativePointer();
    }
  }

  static final class Event extends CUevent {
    long address() {
      return getNativePointer();
    }
  }

  static final class Function extends CUfunction {
    long address() {
      return getNativePointer();
    }
  }

  static final class GraphExec extends CUgraphExec {
    long address() {
      return getNativePointer();
    }
  }

  static final class Module extends jcuda.driver.CUmodule {
    long address() {
      return getNativePointer();
    }
  }
}
