package quartet.engine.model;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import quartet.engine.backends.BackendKind;
import quartet.engine.model.unet.TimeEmbedding;
import quartet.engine.run.CancelToken;
import quartet.engine.value.LatentBatch;

/** The entries of the tiny checkpoint's goldens that no other test looks at. */
final class TinyGoldensTest {
  @Test
  void timestepsAreWaves() {
    try (Tiny tiny = new Tiny(BackendKind.CPU)) {
      float[] waves = TimeEmbedding.waves(tiny.floats("unet.t"), 32).toFloats();
      tiny.assertClose("unet.temb_sinusoid", waves);
    }
  }

  @Test
  void fourStepsOfTheNormalSchedule() {
    try (Tiny tiny = new Tiny(BackendKind.CPU)) {
      NoiseSchedule schedule = tiny.models.diffusion().schedule();
      float[] sigmas = new float[5];
      for (int i = 0; i < 4; i++) {
        sigmas[i] = schedule.sigma(999f - 333f * i);
      }
      tiny.assertClose("euler.sigmas", sigmas, 1e-6);
    }
  }

  @Test
  void modelsLatentsAreTheVaesTimesTheScale() {
    try (Tiny tiny = new Tiny(BackendKind.CPU)) {
      float[] latent = tiny.floats("euler.latent");
      for (int i = 0; i < latent.length; i++) {
        latent[i] *= tiny.models.diffusion().latentFormat().scale();
      }
      tiny.assertClose("euler.latent_model_space", latent, 1e-6);
    }
  }

  @Test
  void picturesAreWhatTheVaeGivesBroughtTo01() {
    try (Tiny tiny = new Tiny(BackendKind.CPU)) {
      LatentBatch z = LatentBatch.zeros(1, 4, 16, 16).withValues(tiny.floats("vae.z"));
      float[] image = tiny.models.vae().decode(z, CancelToken.NEVER).values();
      float[] raw = tiny.floats("vae.decode_raw"); // [1, 3, 128, 128]
      int plane = raw.length / 3;
      double worst = 0;
      for (int i = 0; i < raw.length; i++) {
        float expected = Math.clamp((raw[i] + 1f) / 2f, 0f, 1f);
        worst = Math.max(worst, Math.abs(expected - image[i % plane * 3 + i / plane]));
      }
      assertThat(worst).isLessThan(1e-5);
    }
  }
}
