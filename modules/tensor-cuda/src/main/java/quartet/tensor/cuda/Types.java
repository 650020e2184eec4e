package quartet.tensor.cuda;

import quartet.tensor.Activation;
import quartet.tensor.DType;

/** Element types and activations as kernels and libraries number them. */
final class Types {
  private Types() {}

  /** As common.cuh numbers them. */
  static int kernel(DType type) {
    return switch (type) {
      case F32 -> 0;
      case F16 -> 1;
      case BF16 -> 2;
      case F8_E4M3 -> 3;
      case F8_E5M2 -> 4;
      case F64, I64, I32, I16, I8, U64, U32, U16, U8, BOOL ->
          throw new IllegalArgumentException(type + " is no type of a kernel");
    };
  }

  /** Whether weights of this type can be converted on the device. */
  static boolean isReadable(DType type) {
    return switch (type) {
      case F32, F16, BF16, F8_E4M3, F8_E5M2 -> true;
      case F64, I64, I32, I16, I8, U64, U32, U16, U8, BOOL -> false;
    };
  }

  /** As cudaDataType numbers them. */
  static int cuda(DType type) {
    return switch (type) {
      case F32 -> 0;
      case F16 -> 2;
      case BF16 -> 14;
      case F64, F8_E4M3, F8_E5M2, I64, I32, I16, I8, U64, U32, U16, U8, BOOL ->
          throw new IllegalArgumentException(type + " is not computed with");
    };
  }

  /** As cudnnDataType numbers them. */
  static int cudnn(DType type) {
    return switch (type) {
      case F32 -> 0;
      case F16 -> 2;
      case BF16 -> 9;
      case F64, F8_E4M3, F8_E5M2, I64, I32, I16, I8, U64, U32, U16, U8, BOOL ->
          throw new IllegalArgumentException(type + " is not computed with");
    };
  }

  /** As common.cuh numbers them. */
  static int activation(Activation activation) {
    return switch (activation) {
      case NONE -> 0;
      case SILU -> 1;
      case QUICK_GELU -> 2;
      case GELU -> 3;
    };
  }

  /** float16 or bfloat16. */
  static boolean isHalf(DType type) {
    return type == DType.F16 || type == DType.BF16;
  }
}
