package quartet.tensor;

import java.util.Arrays;

/**
 * The extents of a tensor, outermost first. A scalar has rank 0 and one element.
 *
 * <p>Errors: IllegalArgumentException for a negative extent or a product beyond 2^63.
 */
public final class Shape {
  private final long[] extents;
  private final long elements;

  private Shape(long[] extents) {
    long product = 1;
    for (long extent : extents) {
      if (extent < 0) {
        throw new IllegalArgumentException("negative extent in " + Arrays.toString(extents));
      }
      try {
        product = Math.multiplyExact(product, extent);
      } catch (ArithmeticException e) {
        throw new IllegalArgumentException("too many elements in " + Arrays.toString(extents), e);
      }
    }
    this.extents = extents;
    this.elements = product;
  }

  /** A shape of the given extents, outermost first. */
  public static Shape of(long... extents) {
    return new Shape(extents.clone());
  }

  /** Number of dimensions. */
  public int rank() {
    return extents.length;
  }

  /** Extent of a dimension; negative indices count from the innermost, as {@code -1}. */
  public int dim(int index) {
    return Math.toIntExact(extents[index < 0 ? index + extents.length : index]);
  }

  /** Number of elements. */
  public long elements() {
    return elements;
  }

  /** A copy of the extents. */
  public long[] extents() {
    return extents.clone();
  }

  /** The product of all extents but the innermost: the number of rows a row-wise op sees. */
  public long rows() {
    long product = 1;
    for (int i = 0; i < extents.length - 1; i++) {
      product = Math.multiplyExact(product, extents[i]);
    }
    return product;
  }

  /** This shape with its innermost extent replaced. */
  public Shape withLast(long extent) {
    long[] copy = extents.clone();
    copy[copy.length - 1] = extent;
    return new Shape(copy);
  }

  /** This shape with its outermost extent replaced. */
  public Shape withFirst(long extent) {
    long[] copy = extents.clone();
    copy[0] = extent;
    return new Shape(copy);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Shape shape && Arrays.equals(extents, shape.extents);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(extents);
  }

  @Override
  public String toString() {
    return Arrays.toString(extents);
  }
}
