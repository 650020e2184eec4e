package quartet.engine.model;

/**
 * The noise levels that a model was trained on, and the maps between them and the timesteps that
 * its network is told. Float32 throughout, rounded where PyTorch rounds, since every sigma of a run
 * comes from here.
 *
 * <p>Units: sigma is the noise's deviation in terms of {@link #process}.
 */
public sealed interface NoiseSchedule permits DiscreteSchedule, FlowSchedule {
  /** Training steps. */
  int STEPS = 1000;

  /** Stable Diffusion's: betas from 0.00085 to 0.012, linear in their square roots. */
  static DiscreteSchedule scaledLinear() {
    return DiscreteSchedule.scaledLinear();
  }

  /**
   * The same, rescaled so that the last step holds no signal. Source: Lin et al. 2024, "Common
   * diffusion noise schedules and sample steps are flawed", algorithm 1.
   */
  static DiscreteSchedule zeroTerminalSnr() {
    return DiscreteSchedule.zeroTerminalSnr();
  }

  /** How signal and noise are mixed. */
  NoiseProcess process();

  /** How many noise levels its table has. */
  int size();

  /** The timestep of the least noise. */
  float firstTimestep();

  /** The timestep of the most noise. */
  float lastTimestep();

  /** Sigma of entry {@code k} of the table, which rises. */
  float tableSigma(int k);

  /** The smallest sigma. */
  default float sigmaMin() {
    return tableSigma(0);
  }

  /** The largest sigma. */
  default float sigmaMax() {
    return tableSigma(size() - 1);
  }

  /** What the network is told at a noise level. */
  float timestep(float sigma);

  /** Sigma at a fractional timestep. */
  float sigma(float timestep);

  /**
   * Sigma after a share of the run, where 0 is the start: no less than any sigma up to 0, and 0
   * from 1 on. Not rounded to float32 where the original does not.
   */
  double percentToSigma(double percent);
}
