package quartet.engine.nodes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import quartet.engine.fake.FakeCatalog;
import quartet.engine.fake.FakeNode;
import quartet.engine.fake.Json;
import quartet.engine.model.Vae;
import quartet.engine.node.SchemaJson;
import quartet.engine.run.CancelToken;
import quartet.engine.value.ImageBatch;
import quartet.engine.value.LatentBatch;
import quartet.tensor.Backend;
import quartet.tensor.Device;
import quartet.tensor.cpu.reference.ReferenceBackend;

/** The VAE without a file, whose latents are the pictures themselves. */
class PixelSpaceTest {
  @RegisterExtension final Studio studio = Studio.ofTiny();

  @Test
  void itStandsLastInTheList() {
    JsonNode entry =
        Json.normal(
            SchemaJson.entry(
                FakeNode.registry(new CoreNodes().nodes()).find("VAELoader").orElseThrow().schema(),
                FakeCatalog.small()));
    List<String> names = new ArrayList<>();
    entry
        .path("input")
        .path("required")
        .path("vae_name")
        .path(0)
        .forEach(name -> names.add(name.asText()));
    assertThat(names).last().isEqualTo("pixel_space");
  }

  @Test
  void latentsArePicturesInMinusOneToOne() {
    try (Backend backend = new ReferenceBackend(Device.cpu(0))) {
      Vae vae = Vae.ofPixels(backend);
      float[] pixels = {0f, 0.25f, 0.5f, 1f, 0.75f, 0.125f};
      LatentBatch latent = vae.encode(new ImageBatch(pixels, 1, 1, 2, 3));
      assertThat(latent.channels()).isEqualTo(3);
      assertThat(latent.width()).isEqualTo(2);
      assertThat(latent.height()).isEqualTo(1);
      assertThat(latent.values())
          .containsExactly(new float[] {-1f, 1f, -0.5f, 0.5f, 0f, -0.75f}, within(1e-6f));
      float[] beyond = {-2f, 1f, -0.5f, 0.5f, 0f, 3f};
      assertThat(vae.decode(latent.withValues(beyond), CancelToken.NEVER).values())
          .containsExactly(new float[] {0f, 0.25f, 0.5f, 1f, 0.75f, 1f}, within(1e-6f));
    }
  }

  private static final String THERE_AND_BACK =
      """
      {'10':{'class_type':'VAELoader','inputs':{'vae_name':'pixel_space'}},
       '11':{'class_type':'VAEEncode','inputs':{'pixels':['8',0],'vae':['10',0]}},
       '12':{'class_type':'VAEDecode','inputs':{'samples':['11',0],'vae':['10',0]}},
       '9':{'class_type':'SaveImage','inputs':{'filename_prefix':'x','images':['12',0]}}}
      """;

  @Test
  void aPictureGoesThereAndBackThroughTheNodes() {
    Studio.assertClose(
        studio.pixels(Studio.with(THERE_AND_BACK)), studio.pixels(Json.object(Studio.BASE)), 1);
    String tiled =
        THERE_AND_BACK.replace(
            "'VAEDecode','inputs':{",
            "'VAEDecodeTiled','inputs':{'tile_size':64,'overlap':16,'temporal_size':64,'temporal_overlap':8,");
    Studio.assertClose(
        studio.pixels(Studio.with(tiled)), studio.pixels(Json.object(Studio.BASE)), 1);
  }

  @Test
  void whatItCannotServeIsNamed() {
    String sampled =
        "{'10':{'class_type':'VAELoader','inputs':{'vae_name':'pixel_space'}},'8':{'class_type':'VAEDecode','inputs':{'samples':['3',0],'vae':['10',0]}}}";
    assertThat(studio.failure(Studio.with(sampled))).contains("4 channels").contains("decodes 3");
    String saved =
        "{'10':{'class_type':'VAELoader','inputs':{'vae_name':'pixel_space'}},'20':{'class_type':'CheckpointSave','inputs':{'model':['4',0],'clip':['4',1],'vae':['10',0],'filename_prefix':'x'}}}";
    assertThat(studio.failure(Studio.with(saved))).contains("'pixel_space' has no weights");
  }
}
