package quartet.engine.sampling;

/** Solves small dense systems, as solvers need for their coefficients. */
final class LinearSystem {
  private LinearSystem() {}

  /**
   * Gaussian elimination with partial pivoting, in float64.
   *
   * @param matrix {@code n x n}; left as it is
   * @param right n values; left as they are
   */
  static double[] solve(double[][] matrix, double[] right) {
    int n = right.length;
    double[][] a = new double[n][];
    double[] x = right.clone();
    for (int i = 0; i < n; i++) {
      a[i] = matrix[i].clone();
    }
    for (int column = 0; column < n; column++) {
      int pivot = column;
      for (int row = column + 1; row < n; row++) {
        if (Math.abs(a[row][column]) > Math.abs(a[pivot][column])) {
          pivot = row;
        }
      }
      double[] pivotRow = a[pivot];
      a[pivot] = a[column];
      a[column] = pivotRow;
      double pivotValue = x[pivot];
      x[pivot] = x[column];
      x[column] = pivotValue;
      for (int row = column + 1; row < n; row++) {
        double factor = a[row][column] / pivotRow[column];
        for (int k = column; k < n; k++) {
          a[row][k] -= factor * pivotRow[k];
        }
        x[row] -= factor * pivotValue;
      }
    }
    for (int row = n - 1; row >= 0; row--) {
      for (int k = row + 1; k < n; k++) {
        x[row] -= a[row][k] * x[k];
      }
      x[row] /= a[row][row];
    }
    return x;
  }
}
