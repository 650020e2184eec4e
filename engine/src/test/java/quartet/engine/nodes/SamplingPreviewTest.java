package quartet.engine.nodes;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import quartet.engine.exec.ExecutionEvent;
import quartet.engine.exec.ExecutionOutcome;
import quartet.engine.fake.Json;
import quartet.engine.node.PreviewMethod;
import quartet.engine.value.ImageBatch;
import quartet.image.Pixels;

/** Pictures while sampling, by a linear map and by the tiny autoencoder of each family. */
class SamplingPreviewTest {
  @TempDir Path base;

  private static List<ImageBatch> previews(Studio studio, ObjectNode prompt, PreviewMethod method) {
    List<ImageBatch> pictures = new ArrayList<>();
    ExecutionOutcome outcome =
        studio.run(
            prompt,
            event -> {
              if (event instanceof ExecutionEvent.Progress progress) {
                pictures.add(progress.preview().draw(method));
              }
            });
    assertThat(outcome).isInstanceOf(ExecutionOutcome.Succeeded.class);
    return pictures;
  }

  /** The last prediction of Euler's method is the result, so the last preview shows it. */
  @ParameterizedTest
  @CsvSource({"tiny_sd15, taesd", "tiny_sdxl, taesdxl"})
  void aTinyAutoencoderDrawsWhatItWouldDecode(String family, String tiny) {
    try (Studio studio =
        new Studio(base)
            .model(family, "checkpoints", "tiny.safetensors")
            .model("tiny_taesd", "vae_approx", tiny + "_decoder.safetensors")
            .model("tiny_taesd", "vae_approx", tiny + "_encoder.safetensors")) {
      String decode =
          """
          {'10':{'class_type':'VAELoader','inputs':{'vae_name':'%s'}},
           '5':{'class_type':'EmptyLatentImage','inputs':{'width':64,'height':32,'batch_size':2}},
           '8':{'class_type':'VAEDecode','inputs':{'samples':['3',0],'vae':['10',0]}}}
          """
              .formatted(tiny);
      ObjectNode prompt = Studio.with(decode);
      List<ImageBatch> pictures = previews(studio, prompt, PreviewMethod.TAESD);
      assertThat(pictures).hasSize(2);
      ImageBatch last = pictures.getLast();
      assertThat(last.batch()).isEqualTo(1);
      assertThat(last.height()).isEqualTo(32);
      assertThat(last.width()).isEqualTo(64);
      byte[] shown = new byte[last.values().length];
      for (int i = 0; i < shown.length; i++) {
        shown[i] = (byte) (int) (255f * last.values()[i]);
      }
      Pixels decoded = studio.picture(studio.run(prompt), "9");
      Studio.assertClose(shown, decoded.bytes(), 1);
    }
  }

  @Test
  void withoutATinyAutoencoderTheMapIsDrawn() {
    try (Studio studio =
        new Studio(base)
            .model("tiny_sd15", "checkpoints", "tiny.safetensors")
            .model("tiny_taesd", "vae_approx", "taesdxl_decoder.safetensors")) {
      int seed = 0;
      for (PreviewMethod method : List.of(PreviewMethod.TAESD, PreviewMethod.AUTO)) {
        seed++;
        ObjectNode prompt = Json.object(Studio.BASE.replace("'seed':7", "'seed':" + seed));
        assertThat(previews(studio, prompt, method))
            .hasSize(2)
            .allSatisfy(picture -> assertThat(picture.height()).isEqualTo(8));
      }
    }
  }

  @Test
  void aTinyAutoencoderThatCannotBeUsedFailsNoPrompt() {
    try (Studio studio =
        new Studio(base)
            .model("tiny_sd15", "checkpoints", "tiny.safetensors")
            .model("tiny_lora", "vae_approx", "taesd_decoder.safetensors")) {
      assertThat(previews(studio, Json.object(Studio.BASE), PreviewMethod.TAESD))
          .hasSize(2)
          .allSatisfy(picture -> assertThat(picture.height()).isEqualTo(8));
    }
  }
}
