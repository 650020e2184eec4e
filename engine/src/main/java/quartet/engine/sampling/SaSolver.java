package quartet.engine.sampling;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import quartet.tensor.Ops;
import quartet.tensor.Tensor;

/**
 * Stochastic Adams solver: predictor of order 3, corrector of order 4, with noise in the middle of
 * the run only. Source: Xue et al. 2023, "SA-Solver", algorithm 1; ComfyUI {@code sample_sa_solver}
 * for where the noise acts (behaviour).
 *
 * @param evaluateTwice whether the corrected point is predicted again ("PECE" instead of "PEC")
 */
record SaSolver(boolean evaluateTwice) implements Sampler {
  private static final int PREDICTOR = 3;
  private static final int CORRECTOR = 4;

  /** Noise is added between these shares of the run. */
  private static final double NOISE_FROM = 0.2;

  private static final double NOISE_TO = 0.8;

  @Override
  public Tensor sample(SamplerRun run, Tensor start, float[] given) {
    float[] sigmas = run.withSignal(given);
    double highest = run.schedule().percentToSigma(NOISE_FROM);
    double lowest = run.schedule().percentToSigma(NOISE_TO);
    int last = sigmas.length - 1;
    float[] lambdas = new float[sigmas.length];
    for (int i = 0; i < sigmas.length; i++) {
      lambdas[i] = run.lambda(sigmas[i]);
    }
    List<Tensor> history = new ArrayList<>(); // newest last
    Tensor x = start;
    Tensor predicted = start;
    @Nullable Tensor noise = null;
    float tau = 0f;
    for (int i = 0; i < last; i++) {
      Ops ops = run.beginStep();
      boolean toZero = sigmas[i + 1] == 0f;
      history.add(run.guided(predicted, sigmas[i]));
      if (history.size() > CORRECTOR) {
        history.removeFirst();
      }
      int corrector =
          i == 0 || (toZero && !evaluateTwice) ? 0 : Math.min(CORRECTOR, history.size());
      int predictor = Math.min(PREDICTOR, history.size());
      if (sigmas[last] == 0f) {
        // Low orders near the end, where the steps in lambda grow without bound.
        predictor = Math.min(predictor, last - 1 - i);
        corrector = Math.min(corrector, last - i);
      }
      if (corrector == 0) {
        x = predicted;
      } else {
        x = adams(ops, x, history, sigmas, lambdas, i - 1, i, corrector, tau);
        x = noise == null ? x : ops.add(x, noise);
        if (evaluateTwice) {
          history.set(history.size() - 1, run.guided(x, sigmas[i]));
        }
      }
      if (toZero) {
        return history.getLast();
      }
      tau = highest >= sigmas[i + 1] && sigmas[i + 1] > lowest ? 1f : 0f;
      predicted = adams(ops, x, history, sigmas, lambdas, i, i, predictor, tau);
      noise = null;
      if (tau > 0f) {
        float deviation =
            sigmas[i + 1] * F32.sqrt(-F32.expm1(-2f * tau * tau * (lambdas[i + 1] - lambdas[i])));
        noise = ops.affine(run.noise(x), deviation, 0f);
        predicted = ops.add(predicted, noise);
      }
    }
    return predicted;
  }

  /**
   * From one sigma to the next through the polynomial of the newest predictions.
   *
   * @param newest index of the sigma of the newest prediction: {@code from} when predicting, {@code
   *     to} when correcting
   */
  private static Tensor adams(
      Ops ops,
      Tensor x,
      List<Tensor> history,
      float[] sigmas,
      float[] lambdas,
      int from,
      int newest,
      int order,
      float tau) {
    int to = from + 1;
    double[] nodes = new double[order];
    for (int k = 0; k < order; k++) {
      nodes[k] = lambdas[newest - order + 1 + k];
    }
    double[] weights = weights(sigmas[to], nodes, lambdas[from], lambdas[to], tau);
    float h = lambdas[to] - lambdas[from];
    Tensor y = ops.affine(x, sigmas[to] / sigmas[from] * F32.exp(-tau * tau * h), 0f);
    for (int k = 0; k < order; k++) {
      Tensor term = history.get(history.size() - order + k);
      y = Combine.along(ops, y, (float) weights[k], term);
    }
    return y;
  }

  /**
   * Integrals of the Lagrange polynomials of {@code nodes} against {@code (1 + tau^2) e^((1 +
   * tau^2) u)} from {@code s} to {@code t}, by integrating powers in parts.
   */
  private static double[] weights(float sigma, double[] nodes, double s, double t, double tau) {
    int n = nodes.length;
    double m = 1 + tau * tau;
    double decay = Math.exp(-m * (t - s));
    double[] moments = new double[n];
    double[][] powers = new double[n][n];
    for (int p = 0; p < n; p++) {
      double factor = 1;
      for (int j = p; j >= 0; j--) {
        moments[p] += factor * (Math.pow(t, j) - Math.pow(s, j) * decay);
        factor *= -j / m;
      }
      for (int k = 0; k < n; k++) {
        powers[p][k] = Math.pow(nodes[k], p);
      }
    }
    double[] weights = LinearSystem.solve(powers, moments);
    for (int k = 0; k < n; k++) {
      weights[k] *= sigma * Math.exp(t);
    }
    return weights;
  }
}
