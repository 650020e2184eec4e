package quartet.engine.sampling;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import quartet.errors.EngineException;

/** The samplers by the names that workflows use. */
public final class Samplers {
  private Samplers() {}

  /** What a sampler wants of its surroundings. */
  enum Trait {
    /** A schedule of one step more, with the last but one sigma left out. */
    DROPS_PENULTIMATE,
    /** The negative prompt's prediction, even at a guidance of 1. */
    NEEDS_UNCONDITIONAL,
    /** Masked places get noise of their own seed. */
    OWN_MASK_NOISE,
    /** The Brownian path that a GPU would draw. */
    CUDA_NOISE
  }

  /** A sampler under its name. */
  record Named(String name, Sampler sampler, Set<Trait> traits) {
    boolean has(Trait trait) {
      return traits.contains(trait);
    }
  }

  /** Names in the menu's order. */
  public static List<String> names() {
    return all().stream().map(Named::name).toList();
  }

  static Named named(String name) {
    return all().stream()
        .filter(sampler -> sampler.name().equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new EngineException(
                    SamplingErrorCode.SAMPLER_UNKNOWN,
                    "There is no sampler '%s'; known are %s."
                        .formatted(name, String.join(", ", names()))));
  }

  private static List<Named> all() {
    List<Named> all = new ArrayList<>();
    add(all, "euler", new Euler());
    add(all, "euler_cfg_pp", new EulerCfgPp(0f), Trait.NEEDS_UNCONDITIONAL);
    add(all, "euler_ancestral", new EulerAncestral());
    add(all, "euler_ancestral_cfg_pp", new EulerCfgPp(1f), Trait.NEEDS_UNCONDITIONAL);
    add(all, "heun", new Heun());
    add(all, "heunpp2", new Heunpp2());
    add(all, "exp_heun_2_x0", new Seeds2(0f, 1f, true));
    add(all, "exp_heun_2_x0_sde", new Seeds2(1f, 1f, true));
    add(all, "dpm_2", new Dpm2(false), Trait.DROPS_PENULTIMATE);
    add(all, "dpm_2_ancestral", new Dpm2(true), Trait.DROPS_PENULTIMATE);
    add(all, "lms", new Lms());
    add(all, "dpm_fast", new DpmFast());
    add(all, "dpm_adaptive", new DpmAdaptive());
    add(all, "dpmpp_2s_ancestral", new Dpmpp2sAncestral(false));
    add(all, "dpmpp_2s_ancestral_cfg_pp", new Dpmpp2sAncestral(true), Trait.NEEDS_UNCONDITIONAL);
    add(all, "dpmpp_sde", new DpmppSde());
    add(all, "dpmpp_sde_gpu", new DpmppSde(), Trait.CUDA_NOISE);
    add(all, "dpmpp_2m", new Dpmpp2m());
    add(all, "dpmpp_2m_cfg_pp", new Dpmpp2mCfgPp(), Trait.NEEDS_UNCONDITIONAL);
    add(all, "dpmpp_2m_sde", new Dpmpp2mSde(Dpmpp2mSde.Correction.MIDPOINT));
    add(all, "dpmpp_2m_sde_gpu", new Dpmpp2mSde(Dpmpp2mSde.Correction.MIDPOINT), Trait.CUDA_NOISE);
    add(all, "dpmpp_2m_sde_heun", new Dpmpp2mSde(Dpmpp2mSde.Correction.HEUN));
    add(all, "dpmpp_2m_sde_heun_gpu", new Dpmpp2mSde(Dpmpp2mSde.Correction.HEUN), Trait.CUDA_NOISE);
    add(all, "dpmpp_3m_sde", new Dpmpp3mSde());
    add(all, "dpmpp_3m_sde_gpu", new Dpmpp3mSde(), Trait.CUDA_NOISE);
    add(all, "ddpm", new Ddpm());
    add(all, "lcm", new Lcm());
    add(all, "ipndm", new Ipndm());
    add(all, "ipndm_v", new IpndmV());
    add(all, "deis", new Deis());
    add(all, "res_multistep", new ResMultistep(0f, false));
    add(all, "res_multistep_cfg_pp", new ResMultistep(0f, true), Trait.NEEDS_UNCONDITIONAL);
    add(all, "res_multistep_ancestral", new ResMultistep(1f, false));
    add(
        all,
        "res_multistep_ancestral_cfg_pp",
        new ResMultistep(1f, true),
        Trait.NEEDS_UNCONDITIONAL);
    add(all, "gradient_estimation", new GradientEstimation(false));
    add(all, "gradient_estimation_cfg_pp", new GradientEstimation(true), Trait.NEEDS_UNCONDITIONAL);
    add(all, "er_sde", new ErSde());
    add(all, "seeds_2", new Seeds2(1f, 0.5f, false));
    add(all, "seeds_3", new Seeds3());
    add(all, "sa_solver", new SaSolver(false));
    add(all, "sa_solver_pece", new SaSolver(true));
    add(all, "ddim", new Euler(), Trait.OWN_MASK_NOISE);
    add(all, "uni_pc", new UniPc(UniPc.Variant.BH1), Trait.DROPS_PENULTIMATE);
    add(all, "uni_pc_bh2", new UniPc(UniPc.Variant.BH2), Trait.DROPS_PENULTIMATE);
    return all;
  }

  private static void add(List<Named> all, String name, Sampler sampler, Trait... traits) {
    Set<Trait> set = EnumSet.noneOf(Trait.class);
    set.addAll(List.of(traits));
    all.add(new Named(name, sampler, set));
  }
}
