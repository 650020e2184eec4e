package quartet.engine.nodes;

import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import quartet.engine.model.DiffusionModel;
import quartet.engine.node.Input;
import quartet.engine.node.Node;
import quartet.engine.node.NodeInputs;
import quartet.engine.node.NodeResult;
import quartet.engine.node.NodeSchema;
import quartet.engine.node.PortType;
import quartet.engine.sampling.Schedulers;
import quartet.engine.sampling.SigmaCurves;
import quartet.engine.value.ModelRefs;
import quartet.engine.value.SamplingParts;

/** Nodes that make and cut lists of noise levels. */
final class SigmaNodes {
  private static final String MODULE = "nodes_custom_sampler";
  private static final String SCHEDULERS = "sampling/custom_sampling/schedulers";
  private static final String CUTS = "sampling/custom_sampling/sigmas";

  private static final Input.SocketInput<ModelRefs.ModelRef> MODEL =
      Input.socket("model", PortType.MODEL);
  private static final Input.SocketInput<SamplingParts.Sigmas> SIGMAS =
      Input.socket("sigmas", PortType.SIGMAS);
  private static final Input.IntInput STEPS = Input.integer("steps", 20, 1, 10000, 1);
  private static final Input.FloatInput SIGMA_MAX =
      new Input.FloatInput("sigma_max", 14.614642, 0, 5000, 0.01, Double.NaN);
  private static final Input.FloatInput SIGMA_MIN =
      new Input.FloatInput("sigma_min", 0.0291675, 0, 5000, 0.01, Double.NaN);
  private static final Input.FloatInput RHO =
      new Input.FloatInput("rho", 7.0, 0, 100, 0.01, Double.NaN);
  private static final Input.FloatInput DENOISE = Input.fraction("denoise", 1.0, 0, 1, 0.01);

  private SigmaNodes() {}

  static List<Node> all() {
    return List.of(
        basic(),
        karras(),
        exponential(),
        polyexponential(),
        turbo(),
        vp(),
        split(),
        splitDenoise(),
        flip(),
        setFirst());
  }

  private static NodeSchema.Builder schema(String name, String category) {
    return NodeSchema.named(name).category(category).extra(MODULE).newer();
  }

  private static NodeResult sigmas(float[] values) {
    return NodeResult.of(new SamplingParts.Sigmas(values));
  }

  private static Node basic() {
    Input.ComboInput scheduler = Input.options("scheduler", catalog -> Schedulers.names());
    return FunctionNode.of(
        schema("BasicScheduler", SCHEDULERS)
            .description("A model's noise levels by a scheduler's name.")
            .required(MODEL, scheduler, STEPS, DENOISE)
            .returns(PortType.SIGMAS),
        (inputs, context) -> {
          DiffusionModel model = context.models().diffusion(inputs.get(MODEL));
          int steps = inputs.getInt(STEPS);
          double denoise = inputs.get(DENOISE);
          if (denoise <= 0) {
            return sigmas(new float[0]);
          }
          int all = denoise < 1 ? (int) (steps / denoise) : steps;
          float[] whole = Schedulers.sigmas(inputs.get(scheduler), model.schedule(), all);
          return sigmas(
              Arrays.copyOfRange(whole, Math.max(0, whole.length - steps - 1), whole.length));
        });
  }

  /** Noise levels that need no model, only numbers. */
  private static Node curve(
      String name, String description, Function<NodeInputs, float[]> values, Input<?>... inputs) {
    return FunctionNode.of(
        schema(name, SCHEDULERS).description(description).required(inputs).returns(PortType.SIGMAS),
        (given, context) -> sigmas(values.apply(given)));
  }

  private static Node karras() {
    return curve(
        "KarrasScheduler",
        "Noise levels dense at the clean end.",
        inputs ->
            SigmaCurves.karras(
                inputs.getInt(STEPS),
                inputs.get(SIGMA_MIN),
                inputs.get(SIGMA_MAX),
                inputs.get(RHO)),
        STEPS,
        SIGMA_MAX,
        SIGMA_MIN,
        RHO);
  }

  private static Node exponential() {
    return curve(
        "ExponentialScheduler",
        "Noise levels that fall by the same factor at each step.",
        inputs -> polyexponential(inputs, 1),
        STEPS,
        SIGMA_MAX,
        SIGMA_MIN);
  }

  private static Node polyexponential() {
    Input.FloatInput rho = new Input.FloatInput("rho", 1.0, 0, 100, 0.01, Double.NaN);
    return curve(
        "PolyexponentialScheduler",
        "Noise levels whose logarithms follow a power.",
        inputs -> polyexponential(inputs, inputs.get(rho)),
        STEPS,
        SIGMA_MAX,
        SIGMA_MIN,
        rho);
  }

  private static float[] polyexponential(NodeInputs inputs, double rho) {
    return SigmaCurves.polyexponential(
        inputs.getInt(STEPS), inputs.get(SIGMA_MIN), inputs.get(SIGMA_MAX), rho);
  }

  private static Node turbo() {
    Input.IntInput steps = Input.integer("steps", 1, 1, 10, 1);
    return FunctionNode.of(
        schema("SDTurboScheduler", SCHEDULERS)
            .description("The few noise levels that turbo models were distilled to.")
            .required(MODEL, steps, DENOISE)
            .returns(PortType.SIGMAS),
        (inputs, context) ->
            sigmas(
                SigmaCurves.turbo(
                    context.models().diffusion(inputs.get(MODEL)).schedule(),
                    inputs.getInt(steps),
                    inputs.get(DENOISE))));
  }

  private static Node vp() {
    Input.FloatInput betaD = new Input.FloatInput("beta_d", 19.9, 0, 5000, 0.01, Double.NaN);
    Input.FloatInput betaMin = new Input.FloatInput("beta_min", 0.1, 0, 5000, 0.01, Double.NaN);
    Input.FloatInput eps = new Input.FloatInput("eps_s", 0.001, 0, 1, 0.0001, Double.NaN);
    return curve(
        "VPScheduler",
        "Noise levels of a variance-preserving process in continuous time.",
        inputs ->
            SigmaCurves.variancePreserving(
                inputs.getInt(STEPS), inputs.get(betaD), inputs.get(betaMin), inputs.get(eps)),
        STEPS,
        betaD,
        betaMin,
        eps);
  }

  private static Node split() {
    Input.IntInput step = Input.integer("step", 0, 0, 10000, 1);
    return FunctionNode.of(
        schema("SplitSigmas", CUTS)
            .description("The first steps and the others.")
            .required(SIGMAS, step)
            .returns(PortType.SIGMAS, "high_sigmas")
            .returns(PortType.SIGMAS, "low_sigmas"),
        (inputs, context) -> split(inputs.get(SIGMAS).values(), inputs.getInt(step)));
  }

  private static Node splitDenoise() {
    return FunctionNode.of(
        schema("SplitSigmasDenoise", CUTS)
            .description("The last share of the steps and what comes before.")
            .required(SIGMAS, DENOISE)
            .returns(PortType.SIGMAS, "high_sigmas")
            .returns(PortType.SIGMAS, "low_sigmas"),
        (inputs, context) -> {
          float[] values = inputs.get(SIGMAS).values();
          int steps = Math.max(values.length - 1, 0);
          int kept = (int) Math.rint(steps * inputs.get(DENOISE));
          return split(values, steps - kept);
        });
  }

  /** The level between belongs to both. */
  private static NodeResult split(float[] values, int step) {
    int at = Math.min(step, values.length);
    int end = Math.min(step + 1, values.length);
    return NodeResult.of(
        new SamplingParts.Sigmas(Arrays.copyOf(values, end)),
        new SamplingParts.Sigmas(Arrays.copyOfRange(values, at, values.length)));
  }

  private static Node flip() {
    return FunctionNode.of(
        schema("FlipSigmas", CUTS)
            .description("From clean to noisy; a first level of 0 becomes a tiny one.")
            .required(SIGMAS)
            .returns(PortType.SIGMAS),
        (inputs, context) -> sigmas(SigmaCurves.flipped(inputs.get(SIGMAS).values())));
  }

  private static Node setFirst() {
    Input.FloatInput sigma = new Input.FloatInput("sigma", 136.0, 0, 20000, 0.001, Double.NaN);
    return FunctionNode.of(
        schema("SetFirstSigma", CUTS)
            .description("Another first noise level.")
            .required(SIGMAS, sigma)
            .returns(PortType.SIGMAS),
        (inputs, context) -> {
          float[] values = inputs.get(SIGMAS).values().clone();
          if (values.length > 0) {
            values[0] = inputs.get(sigma).floatValue();
          }
          return sigmas(values);
        });
  }
}
