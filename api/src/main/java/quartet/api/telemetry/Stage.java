package quartet.api.telemetry;

import java.util.Locale;

/** What a node is there for, by the name of its class. */
enum Stage {
  /** Models are opened. */
  LOAD,
  /** Texts or pictures become what a model takes. */
  ENCODE,
  /** A sampler runs. */
  DENOISE,
  /** Latents become pictures. */
  DECODE,
  /** Pictures are written or sent. */
  SAVE,
  /** Everything else. */
  OTHER;

  static Stage of(String classType) {
    if (classType.contains("Loader")) {
      return LOAD;
    }
    if (classType.startsWith("KSampler") || classType.startsWith("SamplerCustom")) {
      return DENOISE;
    }
    if (classType.startsWith("VAEDecode")) {
      return DECODE;
    }
    if (classType.startsWith("CLIPTextEncode")
        || classType.startsWith("VAEEncode")
        || classType.startsWith("CLIPVisionEncode")) {
      return ENCODE;
    }
    return classType.startsWith("Save") || classType.startsWith("Preview") ? SAVE : OTHER;
  }

  /** As a label. */
  String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
