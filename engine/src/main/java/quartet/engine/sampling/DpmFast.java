package quartet.engine.sampling;

import quartet.tensor.Ops;
import quartet.tensor.Tensor;

/**
 * DPM-Solver-fast: as many model calls as steps, in even steps of log sigma, third order while they
 * last. Ends at the smallest positive sigma. Source: Lu et al. 2022, "DPM-Solver", section 3.4;
 * k-diffusion {@code sample_dpm_fast}.
 */
final class DpmFast implements Sampler {
  @Override
  public Tensor sample(SamplerRun run, Tensor start, float[] sigmas) {
    int calls = sigmas.length - 1;
    int intervals = calls / 3 + 1;
    float[] times =
        Linspace.of(F32.lambda(sigmas[0]), F32.lambda(DpmSolver.lastSigma(sigmas)), intervals + 1);
    Tensor x = start;
    for (int i = 0; i < intervals; i++) {
      Ops ops = run.beginStep();
      int order = order(i, intervals, calls);
      if (order == 0) {
        continue;
      }
      DpmSolver solver = new DpmSolver(run, ops);
      Tensor noise = solver.noise(x, times[i]);
      x =
          switch (order) {
            case 1 -> solver.first(x, times[i], times[i + 1], noise);
            case 2 -> solver.second(x, times[i], times[i + 1], noise, 0.5f).x();
            default -> solver.third(x, times[i], times[i + 1], noise, null);
          };
    }
    return x;
  }

  /** The last one or two intervals use up what threes leave over. */
  private static int order(int i, int intervals, int calls) {
    int rest = calls % 3;
    if (rest != 0) {
      return i == intervals - 1 ? rest : 3;
    }
    return i == intervals - 1 ? 1 : i == intervals - 2 ? 2 : 3;
  }
}
